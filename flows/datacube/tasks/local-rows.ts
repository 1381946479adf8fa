import type { InputFile } from '../frame.ts'
import type { Scratch } from '../scratch.ts'
import type { FileRows } from '../sql/rows.ts'

/** Input files where they are on this machine. */
export async function localRows(scratch: Scratch, files: readonly InputFile[]): Promise<FileRows[]> {
  const rows: FileRows[] = []
  for (const file of files) rows.push({ file, path: file.inScratch ? await scratch.read(file.path) : file.path })
  return rows
}
