import { createHash } from 'node:crypto'

/** Of a slug; with the 50 of a flow's name it stays short enough for labels of jobs. */
const LONGEST = 30

/**
 * How a branch is written in names of deployments: `feature/x` is `feature-x`. Where another branch is written so, or
 * something had to be cut off, letters are added that tell it apart.
 * @param taken the slugs in use, and whose they are: a branch keeps the one it has
 */
export function branchSlug(branch: string, taken: ReadonlyMap<string, string>): string {
  const own = [...taken].find(([, whose]) => whose === branch)?.[0]
  if (own !== undefined) return own
  const plain = branch
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
  if (plain !== '' && plain.length <= LONGEST && !taken.has(plain)) return plain
  const hash = createHash('sha256').update(branch).digest('hex').slice(0, 6)
  return [plain.slice(0, LONGEST - hash.length - 1).replace(/-+$/, ''), hash].filter(Boolean).join('-')
}

/** The name of a deployment of a branch. */
export function branchName(flow: string, slug: string): string {
  return `${flow}@${slug}`
}
