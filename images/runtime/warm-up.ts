// Compiles what the programs of the image load, once and for all, where compiled-code.ts looks for it: warm-up.ts USER
// It is no part of what the image is: V8 uses it on processors like that of the build, elsewhere programs compile anew.
import { chmodSync, globSync, mkdirSync, readdirSync, renameSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { join } from 'node:path'
import { COMPILED_CODE, useCompiledCode } from './compiled-code.ts'

const [user = ''] = process.argv.slice(2)
mkdirSync(COMPILED_CODE)
useCompiledCode()
await Promise.all([
  import('../flow/at-home.ts'),
  import('../flow/by-hand.ts'),
  import('../flow/drive-one.ts'),
  import('../worker/work.ts'),
  import('../../platform/engine/slots/thread.ts'),
  import('piscina'),
  import('@google-cloud/cloud-sql-connector'),
])
flushCompileCache()
// Node keeps what each user compiled apart (v24.21.0-x64-964aae3f-USER) and private. Who runs the image shall read it, and
// not write it.
for (const name of readdirSync(COMPILED_CODE)) {
  renameSync(join(COMPILED_CODE, name), join(COMPILED_CODE, name.replace(/-\d+$/, `-${user}`)))
}
for (const file of globSync(join(COMPILED_CODE, '*/*'))) chmodSync(file, 0o444)
for (const folder of [...globSync(join(COMPILED_CODE, '*')), COMPILED_CODE]) chmodSync(folder, 0o555)
