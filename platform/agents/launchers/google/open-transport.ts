import type { Transport } from './transport.ts'

/**
 * What carries calls to Google. Its library is not loaded before.
 * @param endpoint stands for Google Cloud, and is asked without credentials
 * @throws UserError when nobody is logged in
 */
export async function openTransport(endpoint: string | undefined): Promise<Transport> {
  const { Transport } = await import('./transport.ts')
  const opened = new Transport(endpoint)
  await opened.getClient()
  return opened
}
