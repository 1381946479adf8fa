import { execFile } from 'node:child_process'
import { userInfo } from 'node:os'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Who does something here, for the history: whom GitHub's workflow acts for, git's address, or the account's name. */
export async function author(root: string, env: NodeJS.ProcessEnv = process.env): Promise<string> {
  if (env.GITHUB_ACTOR) return `${env.GITHUB_ACTOR} (GitHub)`
  try {
    const { stdout } = await run('git', ['config', 'user.email'], { cwd: root })
    if (stdout.trim()) return stdout.trim()
  } catch {
    // There is no git, or it was not told.
  }
  return userInfo().username
}
