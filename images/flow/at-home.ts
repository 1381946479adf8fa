import { HOME, makeHome } from '../runtime/home.ts'
import { writeFailure } from '../runtime/write-failure.ts'

/** Lets the command line take {@link HOME} for the project's folder: it goes by where it is when it is loaded. */
export async function byHandAtHome(args: readonly string[]): Promise<number> {
  const folder = process.cwd()
  try {
    await makeHome()
    process.chdir(HOME)
  } catch (error) {
    return writeFailure(error)
  }
  const { byHand } = await import('./by-hand.ts')
  process.chdir(folder)
  return await byHand(args)
}
