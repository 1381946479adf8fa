import type { LockedPackage } from './lockfile.ts'

/** What an image runs on: Linux with glibc, on one of two kinds of processor. */
export interface ImageSystem {
  readonly cpu: 'x64' | 'arm64'
  /** `false`: packages for it need not be installed on this machine, since the image is only planned here. */
  readonly isHere?: boolean
}

/** That of Google's machines. */
export const CLOUD_SYSTEM = { cpu: 'x64' } as const satisfies ImageSystem

/** That of this machine's processor. */
export function systemHere(): ImageSystem {
  return { cpu: process.arch === 'arm64' ? 'arm64' : 'x64' }
}

/** Whether a package is for it. */
export function fits({ os, cpu, libc }: LockedPackage, system: ImageSystem): boolean {
  return allows(os, 'linux') && allows(cpu, system.cpu) && allows(libc, 'glibc')
}

/** npm's rule: a list of what is meant, or of what is not (`!win32`). */
function allows(list: readonly string[] | undefined, value: string): boolean {
  if (!list || list.length === 0) return true
  if (list.includes(`!${value}`)) return false
  return list.includes(value) || list.every((each) => each.startsWith('!'))
}
