import { LaunchError } from '../../launcher.ts'

/** No room, no process, no file any more: others may end. */
const MAY_PASS = ['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE', 'ENOSPC', 'EDQUOT', 'EBUSY', 'EINTR']
const NOT_ALLOWED = ['EACCES', 'EPERM', 'EROFS']

/** Calls, and turns what the system refuses into a {@link LaunchError}; anything else is a defect, and stays as it is. */
export async function asking<T>(folder: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw asLaunchError(folder, error)
  }
}

function asLaunchError(folder: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof LaunchError || !('code' in error)) return error
  const code = String(error.code)
  const message = `jobs in ${folder}: ${error.message}`
  if (MAY_PASS.includes(code)) return new LaunchError('busy', message, { cause: error })
  if (NOT_ALLOWED.includes(code)) {
    return new LaunchError('denied', `${message}; the agent needs the right to write there`, { cause: error })
  }
  // A system's refusal (E2BIG, ENOENT …), or Node's of a value that no environment can have.
  return /^E[A-Z0-9]+$|^ERR_INVALID_ARG_VALUE$/.test(code)
    ? new LaunchError('refused', message, { cause: error })
    : error
}
