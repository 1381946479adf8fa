import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const WHO = {
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.org',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.org',
  // Nothing of who runs the tests.
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
}

/** A git repository in a folder. */
export class Repository {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
  }

  git(...args: string[]): string {
    const env = { ...process.env, ...WHO }
    return execFileSync('git', args, { cwd: this.folder, env, encoding: 'utf8', stdio: 'pipe' }).trim()
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.folder, path)), { recursive: true })
    writeFileSync(join(this.folder, path), text)
  }

  /** Writes a file, and commits all there is. @returns the commit */
  commit(path: string, text: string): string {
    this.write(path, text)
    this.git('add', '--all')
    this.git('commit', '--quiet', '--message', `Change ${path}`)
    return this.git('rev-parse', 'HEAD')
  }
}

/** An origin with one commit on main, and a checkout of it, in a temporary folder. */
export function makeRepositories(): { clone: (name: string) => Repository; origin: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-git-'))
  const origin = join(folder, 'origin.git')
  new Repository(folder).git('init', '--quiet', '--bare', '--initial-branch=main', origin)
  const clone = (name: string): Repository => {
    new Repository(folder).git('clone', '--quiet', origin, name)
    const made = new Repository(join(folder, name))
    made.git('config', 'user.email', `${name}@example.org`)
    made.git('config', 'user.name', name)
    made.git('config', 'core.hooksPath', '/dev/null')
    return made
  }
  return { clone, origin, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
