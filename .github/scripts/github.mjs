import { stripVTControlCharacters } from 'node:util'

/** Longest text of a comment or an issue. */
const LONGEST = 65_536

/**
 * GitHub's REST API, as a workflow's token may use it: https://docs.github.com/en/rest
 * @param {{ token?: string, url?: string, repository?: string }} options
 */
export function github({
  token = process.env.GITHUB_TOKEN,
  url = process.env.GITHUB_API_URL,
  repository = process.env.GITHUB_REPOSITORY,
} = {}) {
  /**
   * @param {string} method
   * @param {string} path below the repository
   * @param {unknown} [body]
   */
  async function ask(method, path, body) {
    const response = await fetch(`${url}/repos/${repository}${path}`, {
      method,
      headers: {
        accept: 'application/vnd.github+json',
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'x-github-api-version': '2022-11-28',
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`GitHub refuses ${method} ${path} (${response.status}): ${text.slice(0, 500)}`)
    return JSON.parse(text)
  }

  /** All of a list. @param {string} path with a query */
  async function all(path) {
    const found = []
    for (let page = 1; ; page++) {
      const items = await ask('GET', `${path}&per_page=100&page=${page}`)
      found.push(...items)
      if (items.length < 100) return found
    }
  }

  return { ask, all }
}

/** Whether something on GitHub was written by a workflow. @param {{ user?: { login?: string } }} item */
export function isByWorkflow(item) {
  return item.user?.login === 'github-actions[bot]'
}

/**
 * Text that somebody else made, to be shown as it is: nothing in it is a heading, a mention or a link, and it cannot end
 * the block that it stands in. What is too long is cut.
 * @param {string} text
 * @param {number} longest
 */
export function block(text, longest = LONGEST / 4) {
  // Without commands to terminals, and without marks that hide text or turn it round.
  const plain = stripVTControlCharacters(text).replace(/(?![\n\t])[\p{Cc}\p{Cf}]/gu, '')
  const cut = plain.length > longest ? `${plain.slice(0, longest)}\n… and more: see the run` : plain
  const fences = [...cut.matchAll(/`{3,}/g)].map(([fence]) => fence.length)
  const fence = '`'.repeat(Math.max(3, ...fences.map((length) => length + 1)))
  return `${fence}text\n${cut.trimEnd()}\n${fence}`
}
