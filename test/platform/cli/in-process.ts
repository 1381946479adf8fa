import { Command, CommanderError, Option } from 'commander'
import { vi } from 'vitest'
import type { SharedOptions } from '../../../platform/cli/declare/shared-options.ts'
import { EXIT, report } from '../../../platform/cli/exit.ts'

export interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

type Declare = (program: Command, options: SharedOptions) => void

/**
 * A command line without a process of its own: quick, and it ends as the command would.
 * @param common words that each line gets, such as `--database`
 */
export function commandLine(declare: readonly Declare[], common: () => readonly string[]) {
  return async (...words: string[]): Promise<Ended> => {
    const program = new Command('millrace').exitOverride()
    for (const each of declare) each(program, SHARED)
    const text = { out: '', err: '' }
    const catchText = (stream: 'out' | 'err') => (chunk: string | Uint8Array) => {
      text[stream] += String(chunk)
      return true
    }
    const spies = [
      vi.spyOn(process.stdout, 'write').mockImplementation(catchText('out')),
      vi.spyOn(process.stderr, 'write').mockImplementation(catchText('err')),
    ]
    for (const command of [...program.commands, ...program.commands.flatMap(({ commands }) => commands)]) {
      command.exitOverride()
    }
    try {
      const [first = '', ...rest] = words
      await program.parseAsync([first, ...common(), ...rest], { from: 'user' })
      return { code: EXIT.completed, ...text }
    } catch (error) {
      const code =
        error instanceof CommanderError ? (error.exitCode === 0 ? EXIT.completed : EXIT.mistake) : report(error)
      return { code, ...text }
    } finally {
      for (const spy of spies) spy.mockRestore()
    }
  }
}

const SHARED: SharedOptions = {
  database: () => new Option('--database <url>', 'where runs are kept'),
  json: () => new Option('--json', 'print JSON'),
  records: () => new Option('--store <url>', 'where releases are recorded'),
}
