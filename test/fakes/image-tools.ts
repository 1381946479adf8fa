import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { type Served, serve } from './serve.ts'

/** A registry of images that listens on this machine: it knows names, tags and digests, and nothing of layers. */
export interface FakeRegistry {
  /** What names of images in it begin with: `127.0.0.1:PORT/project/millrace`. */
  readonly url: string
  /** Digests by `NAME:TAG`, and `NAME@DIGEST` for each. */
  readonly images: Map<string, string>
  /** Statuses to answer with next, in place of what would be right. */
  readonly troubles: number[]
  close(): Promise<void>
}

export async function fakeRegistry(): Promise<FakeRegistry> {
  const images = new Map<string, string>()
  const troubles: number[] = []
  const served: Served = await serve(({ method, parts, body }) => {
    const [, project, repository, name, , reference = ''] = parts
    if (project !== 'project' || repository !== 'millrace') return { status: 404 }
    if (method === 'PUT') {
      const digest = body.toString()
      images.set(`${name}:${reference}`, digest).set(`${name}@${digest}`, digest)
      return { status: 201 }
    }
    const trouble = troubles.shift()
    if (trouble !== undefined) return { status: trouble }
    const digest = images.get(`${name}${reference.startsWith('sha256:') ? '@' : ':'}${reference}`)
    return digest === undefined ? { status: 404 } : { status: 200, headers: { 'docker-content-digest': digest } }
  })
  const url = `${served.endpoint.replace('http://', '')}/project/millrace`
  return { url, images, troubles, close: () => served.close() }
}

/** A command `docker` on the PATH that writes down what it is asked, and pushes names alone. */
export interface FakeDocker {
  /** What it was called with since the last look, a line each; what is asked of its version is left out. */
  calls(): string[]
  /** Whether an engine answers it. */
  hasEngine(has: boolean): void
  /** Whether pushing ends with an error. */
  mayPush(may: boolean): void
  /** Takes it off the PATH. */
  remove(): void
}

export function fakeDocker(): FakeDocker {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-docker-'))
  const path = process.env.PATH
  const calls = join(folder, 'calls')
  const toggle = (name: string, on: boolean): void => {
    if (on) rmSync(join(folder, name), { force: true })
    else writeFileSync(join(folder, name), '')
  }
  writeFileSync(join(folder, 'docker'), `#!${process.execPath}\n${PROGRAM}`)
  chmodSync(join(folder, 'docker'), 0o755)
  process.env.PATH = `${folder}${delimiter}${path}`
  return {
    calls: () => {
      const lines = existsSync(calls) ? readFileSync(calls, 'utf8').split('\n').filter(Boolean) : []
      rmSync(calls, { force: true })
      return lines
    },
    hasEngine: (has) => toggle('no-engine', has),
    mayPush: (may) => toggle('no-push', may),
    remove: () => {
      process.env.PATH = path
      rmSync(folder, { recursive: true })
    },
  }
}

const PROGRAM = `
const { appendFileSync, existsSync } = require('node:fs')
const { join } = require('node:path')
const { createHash } = require('node:crypto')
const [command, ...rest] = process.argv.slice(2)
const last = rest.at(-1)
if (command === 'version') {
  if (existsSync(join(__dirname, 'no-engine'))) process.exit(1)
  console.log('28.0.0')
} else {
  appendFileSync(join(__dirname, 'calls'), [command, ...rest].join(' ') + '\\n')
  if (command === 'build' && !existsSync(join(last, 'Dockerfile'))) process.exit(1)
  if (command === 'push') {
    if (existsSync(join(__dirname, 'no-push'))) process.exit(1)
    const [, host, path, tag] = /^([^/]+)\\/(.+):([^:]+)$/.exec(last)
    const body = 'sha256:' + createHash('sha256').update(last).digest('hex')
    fetch('http://' + host + '/v2/' + path + '/manifests/' + tag, { method: 'PUT', body })
  }
}
`
