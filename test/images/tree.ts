import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, cpSync, globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type AssembledImage, assembleImages } from '@millrace/release'
import { until } from '../until.ts'

export const REPOSITORY = resolve(import.meta.dirname, '../..')
/** Who containers run as. Only root can be somebody else. */
export const NONROOT = 65532
const isRoot = process.getuid?.() === 0
const USER = isRoot ? NONROOT : (process.getuid?.() ?? 0)

/** Assembled images in a folder of their own, far from the project and its packages. */
export interface Tree {
  /** The runtime's `app`, with the bundle of one flow laid over it: all that is in the image of that flow. */
  readonly app: string
  /** The console's `app`. */
  readonly console: string
  /** `file:` URL of the bundle of a flow. */
  bundle(flow: string): string
  /** A folder that anybody may write to. */
  makeFolder(): string
  remove(): Promise<void>
}

export async function assembleTree(own: string, ...others: readonly string[]): Promise<Tree> {
  const folder = openTo(mkdtempSync(join(tmpdir(), 'millrace-image-')), 0o755)
  const images = await assembleImages(['console', ...[own, ...others].map((flow) => ({ flow }))], {
    root: REPOSITORY,
    out: join(folder, 'out'),
  })
  const [console, first] = images
  const runtime = first?.base as AssembledImage
  const app = join(runtime.folder, 'app')
  cpSync(join(first?.folder ?? '', 'app'), app, { recursive: true })
  // As images/runtime/Dockerfile does.
  execFileSync(join(app, 'bin/node'), [join(app, 'images/runtime/warm-up.ts'), String(USER)], { env: {} })
  return {
    app,
    console: join(console?.folder ?? '', 'app'),
    bundle: (flow) => {
      const image = images.find(({ name }) => name === `flow-${flow}`)
      const [file = ''] = globSync(join(image?.folder ?? '', 'app/bundles/*/*.mjs'))
      return pathToFileURL(file).href
    },
    makeFolder: () => openTo(mkdtempSync(join(folder, 'writable-')), 0o777),
    async remove() {
      await endPrograms()
      // What nobody may write to, nobody but root could remove.
      for (const cache of globSync(join(app, 'cache{,/*}'))) chmodSync(cache, 0o755)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function openTo(folder: string, mode: number): string {
  chmodSync(folder, mode)
  return folder
}

export interface ProgramOptions {
  readonly args?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
}

/** A program of an image as a process: with nothing in its environment but what it is told, and not as root. */
export class Program {
  out = ''
  err = ''
  readonly ended: Promise<number | NodeJS.Signals>
  private readonly child: ChildProcess
  private over = false

  private constructor(child: ChildProcess) {
    this.child = child
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.out += text
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.err += text
    })
    this.ended = once(child, 'close').then(([code, signal]) => {
      this.over = true
      return signal ?? code
    })
    going.add(this)
    void this.ended.then(() => going.delete(this))
  }

  /** @param name folder below `images/` */
  static start(tree: Tree, name: string, { args = [], env = {}, cwd }: ProgramOptions = {}): Program {
    const app = name === 'console' ? tree.console : tree.app
    const temporary = tree.makeFolder()
    const child = spawn(join(app, 'bin/node'), [join(app, 'images', name, 'main.ts'), ...args], {
      env: { TMPDIR: temporary, ...env },
      cwd: cwd ?? temporary,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(isRoot && { uid: NONROOT, gid: NONROOT }),
    })
    return new Program(child)
  }

  /** The lines of its log: each is JSON. */
  get log(): Record<string, unknown>[] {
    return this.out
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line))
  }

  /** Waits for a line of its log whose message matches. */
  async says(pattern: RegExp): Promise<Record<string, unknown>> {
    const found = await until(() => {
      const line = this.log.find(({ message }) => pattern.test(String(message)))
      return line ?? (this.over ? 'over' : undefined)
    }, 15_000)
    if (found === 'over') throw new Error(`it ended without saying ${pattern}:\n${this.out}${this.err}`)
    return found as Record<string, unknown>
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }
}

const going = new Set<Program>()

/** Ends what a test has left running. */
async function endPrograms(): Promise<void> {
  for (const program of going) program.kill('SIGKILL')
  await Promise.all([...going].map(({ ended }) => ended))
}
