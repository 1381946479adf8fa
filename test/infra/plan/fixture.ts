import { join } from 'node:path'
import type { Program } from '../../../infra/plan/program.ts'

/** A program of the tests, with config by `NAMESPACE:KEY`. */
export function fixture(
  project: string,
  config: Readonly<Record<string, string>> = {},
  secretKeys: readonly string[] = [],
): Program {
  const root = join(import.meta.dirname, 'fixtures', project)
  return { root, main: 'main.ts', project, stack: 'dev', config, secretKeys }
}
