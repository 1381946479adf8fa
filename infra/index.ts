import * as pulumi from '@pulumi/pulumi'

/**
 * Which program a stack is: `millrace:on: docker` in its file makes it containers of one Docker engine (infra/local);
 * all others are in Google Cloud (infra/main.ts).
 */
export default async function program(): Promise<Record<string, unknown>> {
  const on = new pulumi.Config().get('on')
  if (on === undefined) return { ...(await import('./main.ts')) }
  if (on === 'docker') return { ...(await import('./local/main.ts')) }
  throw new pulumi.RunError(
    `Pulumi.${pulumi.getStack()}.yaml: millrace:on: expected "docker", or nothing for Google Cloud, got "${on}"`,
  )
}
