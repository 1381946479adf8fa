import type { DeploymentRecord } from '@millrace/engine'

/** A deployment for command lines to work on. */
export function deployed(name: string, more: Partial<DeploymentRecord> = {}): DeploymentRecord {
  const digest = 'a'.repeat(64)
  return {
    name,
    flow: name,
    description: `Does what ${name} does.`,
    owner: 'hydrology',
    contact: 'hydrology@example.org',
    queue: 'default',
    labels: ['etl'],
    params: { model: 'pekel' },
    env: 'dev',
    source: { flow: name, path: `bundles/${name}/${digest}.mjs`, digest },
    job: { bundles: 'file:/bundles', driver: { cpu: 2 }, workers: { count: 0 }, secretVersions: {} },
    ...more,
  }
}
