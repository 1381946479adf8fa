import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { startEmbeddedPostgres } from '../platform/engine/postgres/embedded.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of the Postgres server of this test run; tests make databases of their own in it. */
    postgres: string
  }
}

/** One Postgres for the whole test run: that of MILLRACE_TEST_DATABASE, or an embedded one in a temporary folder. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.MILLRACE_TEST_DATABASE
  if (given) {
    project.provide('postgres', given)
    return async () => {}
  }
  const dir = await mkdtemp(join(tmpdir(), 'millrace-test-'))
  const server = await startEmbeddedPostgres({ dir })
  project.provide('postgres', server.url)
  return async () => {
    await server.stop()
    await rm(dir, { recursive: true, force: true })
  }
}
