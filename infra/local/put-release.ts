// Puts a release where its stack looks for it: put-release.ts FROM TO. It runs in a container, by itself: nothing of ours
// is imported. Killed at any moment it has changed nothing, or all: the pointer to the newest release comes last, and
// each file comes as a whole.
import { copyFile, mkdir, readdir, rename } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'

const [from = '', to = ''] = process.argv.slice(2)
const POINTER = join('releases', 'up.json')
/** On the same disk, so that a finished file can be moved to its place; where nobody looks for anything. */
const DRAFT = join(to, '.drafts', 'file')

const entries = await readdir(from, { recursive: true, withFileTypes: true })
const files = entries
  .filter((each) => each.isFile())
  .map(({ parentPath, name }) => relative(from, join(parentPath, name)))
await mkdir(dirname(DRAFT), { recursive: true })
for (const file of files.filter((each) => each !== POINTER)) await put(file)
await put(POINTER)
console.log(`${files.length} files were put into ${to}`)

async function put(file: string): Promise<void> {
  await copyFile(join(from, file), DRAFT)
  await mkdir(dirname(join(to, file)), { recursive: true })
  await rename(DRAFT, join(to, file))
}
