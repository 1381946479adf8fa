import { deploy, localBundles } from '@millrace/release'
import { type Store, store } from '@millrace/sdk'

/*
 * Deploys the project in a folder, and stops for ever where it was told to: `node deploy-process.ts ROOT RECORDS AT`.
 * AT is the beginning of the path that is not written any more.
 */
const [root = '', url = '', at = ''] = process.argv.slice(2)
const records = store(url)

async function stop(): Promise<never> {
  process.stdout.write(`stopped at ${at}\n`)
  setInterval(() => {}, 1000)
  return await new Promise(() => {})
}

const stopping: Store = {
  ...records,
  create: async (path, data) => (path.startsWith(at) ? await stop() : await records.create(path, data)),
  write: async (path, data) => (path.startsWith(at) ? await stop() : await records.write(path, data)),
}

await deploy({
  root,
  records: stopping,
  stack: 'dev',
  flows: [],
  firstBundles: localBundles(root),
  act: { by: 'killed' },
})
