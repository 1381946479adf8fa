import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { UserError } from '@millrace/sdk'
import type { TemplateFile } from './template.ts'

const REASONS: Record<string, string> = {
  EACCES: 'there is no permission to write there',
  EPERM: 'there is no permission to write there',
  EROFS: 'the disk is read-only',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of its path is a file',
  EEXIST: 'a part of its path is a file',
}

/**
 * Puts the files of a new flow into a project: all of them, or none. They are written into a folder beside the flows, one
 * that is not taken for a flow, and moved from there.
 * @throws UserError when something is there already, or cannot be written
 */
export function putInPlace(root: string, name: string, files: readonly TemplateFile[]): void {
  const undo: (() => void)[] = []
  const draft = within('flows', () => mkdtempSync(join(root, 'flows/.new-')))
  const deaf = (): void => {}
  // Ctrl-C does not come between: what follows takes milliseconds.
  process.on('SIGINT', deaf).on('SIGTERM', deaf)
  try {
    for (const { path, text } of files) within(path, () => write(join(draft, path), text))
    checkFree(root, name)
    for (const path of placesOf(name)) within(path, () => move(join(draft, path), join(root, path), undo))
  } catch (error) {
    for (const step of undo.reverse()) step()
    throw error
  } finally {
    rmSync(draft, { recursive: true, force: true })
    process.off('SIGINT', deaf).off('SIGTERM', deaf)
  }
}

/** @throws UserError when something of that name is there already */
export function checkFree(root: string, name: string): void {
  const taken = placesOf(name).find((path) => existsSync(join(root, path)))
  if (taken) throw new UserError(`new: ${taken} is there already; choose another name than ${name}, or move it away`)
}

/** What a flow is made of: a folder, and its test. */
function placesOf(name: string): string[] {
  return [`flows/${name}`, `test/flows/${name}.test.ts`]
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}

function move(from: string, to: string, undo: (() => void)[]): void {
  const made = mkdirSync(dirname(to), { recursive: true })
  if (made !== undefined) undo.push(() => rmSync(made, { recursive: true }))
  renameSync(from, to)
  undo.push(() => rmSync(to, { recursive: true }))
}

function within<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    throw new UserError(`new: cannot write ${path}: ${REASONS[code] ?? message}`)
  }
}
