import { createWriteStream } from 'node:fs'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { abortSignal, log, progress, resolveSecrets, store, task, UserError } from '@millrace/sdk'
import type { InputPath } from '../input-paths.ts'
import type { Params } from '../params.ts'
import { scratchFile } from '../plan.ts'
import { withScratch } from '../scratch.ts'

/** Downloads one input file into the run's scratch folder, as a stream. */
export const fetchData = task(
  'fetch_data',
  { io: true, retries: 2, retryDelay: '2 seconds' },
  async (
    { index, name, url }: { index: number; name: string; url: string },
    options: { scratch: string; source: Params['source'] },
  ): Promise<InputPath> => {
    const path = scratchFile.input(index)
    await withScratch(options.scratch, (scratch) =>
      scratch.write(path, async (local) => {
        const { bytes, total } = await open(name, url, options.source)
        let done = 0
        const count = new Transform({
          transform(chunk: Buffer, _encoding, next) {
            done += chunk.byteLength
            progress(done, total, 'bytes')
            next(null, chunk)
          },
        })
        await pipeline(bytes, count, createWriteStream(local), { signal: abortSignal() })
        log.info(`downloaded ${name}`, { bytes: done })
      }),
    )
    return { name, path, inScratch: true }
  },
)

/** @param name stands for the URL in messages */
async function open(
  name: string,
  url: string,
  source: Params['source'],
): Promise<{ bytes: Readable; total: number | undefined }> {
  if (/^https?:/i.test(url)) return openHttp(name, url)
  const cut = url.lastIndexOf('/')
  const [folder, file] = [url.slice(0, cut), url.slice(cut + 1)]
  if (file === '' || /^[a-z0-9]+:\/?$/i.test(folder)) {
    throw new UserError(
      `datacube: parameter data_paths: ${url}: expected bucket and file, such as s3://bucket/data.parquet`,
    )
  }
  return { bytes: Readable.from(store(folder, s3Options(source)).stream(file)), total: undefined }
}

function s3Options(source: Params['source']): Parameters<typeof store>[1] {
  const { endpoint_url, region_name, key, secret } = resolveSecrets(source)
  return {
    s3: {
      ...(endpoint_url && { endpoint: endpoint_url, forcePathStyle: true }),
      ...(region_name && { region: region_name }),
      ...(key && { accessKeyId: key }),
      ...(secret && { secretAccessKey: secret }),
    },
  }
}

async function openHttp(name: string, url: string): Promise<{ bytes: Readable; total: number | undefined }> {
  let response: Response
  try {
    response = await fetch(resolveSecrets(url), { signal: abortSignal() })
  } catch (error) {
    const cause = (error as Error).cause
    throw new Error(
      `datacube: ${name}: cannot be downloaded: ${cause instanceof Error ? cause.message : String(error)}`,
    )
  }
  const { ok, status, body, headers } = response
  if (status >= 400 && status < 500 && status !== 408 && status !== 429) {
    throw new UserError(`datacube: ${name}: cannot be downloaded: the server says ${status} ${response.statusText}`)
  }
  if (!ok || !body) throw new Error(`datacube: ${name}: the server says ${status} ${response.statusText}`)
  const total = headers.get('content-encoding') ? 0 : Number(headers.get('content-length'))
  return { bytes: Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]), total: total || undefined }
}
