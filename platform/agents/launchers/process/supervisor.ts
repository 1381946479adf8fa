import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { promisify } from 'node:util'

/** Who stays with a process of a job: a shell, and the leader of the group of all that came of the process. */
export interface Supervisor {
  readonly pid: number
  /** Path of the job's folder. It stands on the command line: a pid may be somebody else's by now. */
  readonly job: string
  readonly role: string
}

/** `alone`: the shell is gone, and what it stayed with goes on without it. */
export type Presence = 'there' | 'alone' | 'gone'

export async function presenceOf(supervisor: Supervisor): Promise<Presence> {
  const { pid } = supervisor
  const command = isThere(pid) ? await commandOf(pid) : ''
  if (isOurs(command, supervisor)) return 'there'
  // While a group has members its number is no other process's.
  return command === '' && (await hasMembers(pid)) ? 'alone' : 'gone'
}

/** Tells what runs to go; it is given its time by its shell, or none where that is gone. */
export async function tellToGo(supervisor: Supervisor): Promise<void> {
  const presence = await presenceOf(supervisor)
  if (presence === 'there') send(supervisor.pid, 'SIGTERM')
  else if (presence === 'alone') send(-supervisor.pid, 'SIGKILL')
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error
  }
}

/** By the folder's name, for there may be several ways to the folder. */
function isOurs(command: string, { job, role }: Supervisor): boolean {
  return command.includes(`/${basename(job)} ${role} `)
}

/** sh SCRIPT JOB-FOLDER ROLE …; empty for a process that has ended, be it collected or not. */
async function commandOf(pid: number): Promise<string> {
  try {
    if (process.platform === 'linux') return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ')
    const { stdout } = await promisify(execFile)('ps', ['-ww', '-o', 'command=', '-p', String(pid)])
    return /^\(.*\)$|^<defunct>$/.test(stdout.trim()) ? '' : stdout
  } catch {
    return ''
  }
}

/** Whether anything of a process group runs. What ended, and was not collected yet, is a member to the system. */
async function hasMembers(group: number): Promise<boolean> {
  if (!isThere(-group)) return false
  if (process.platform !== 'linux') return true
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const members = await Promise.all(pids.map((pid) => isRunningIn(group, pid)))
  return members.includes(true)
}

async function isRunningIn(group: number, pid: string): Promise<boolean> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    // pid (name) state parent group …; a name may have brackets in it: proc_pid_stat(5)
    const [state = '', , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return Number(pgrp) === group && !'ZX'.includes(state)
  } catch {
    return false
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
