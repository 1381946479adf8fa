import { extname } from 'node:path'
import { catalogueHtml, catalogueMarkdown, type FlowManifest, readManifests } from '@millrace/release'
import { UserError } from '@millrace/sdk'
import { root } from '../project.ts'
import { writeWhole } from '../report/write-file.ts'

const PAGES: Readonly<Record<string, (manifests: readonly FlowManifest[]) => string>> = {
  '.html': catalogueHtml,
  '.md': catalogueMarkdown,
}

/** `millrace catalogue --out FILE` */
export async function catalogue({ out }: { readonly out: string }): Promise<void> {
  const page = PAGES[extname(out)]
  if (!page) throw new UserError(`--out: expected a file that ends in ${Object.keys(PAGES).join(' or ')}, got "${out}"`)
  const manifests = await readManifests(root)
  await writeWhole(out, page(manifests), '--out')
  process.stdout.write(`${manifests.length} ${manifests.length === 1 ? 'flow' : 'flows'} in ${out}\n`)
}
