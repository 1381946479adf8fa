import { randomBytes } from 'node:crypto'
import { chown, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '@millrace/sdk'
import { fileFor, fileOwnerOf, namedAccountFor, placeFor } from './account.ts'
import { USER } from './identity.ts'
import { type Installation, program } from './installation.ts'
import { give } from './ownership.ts'
import { run } from './program.ts'

const DRAFT = 'new-'

/**
 * Makes `folder/data` and `folder/password`. Both are made under another name and renamed when they are complete,
 * the data last: so data that are there are whole, wherever an earlier attempt was cut off.
 */
export async function initialize(installation: Installation, folder: string): Promise<void> {
  const account = namedAccountFor(installation.account)
  const draft = join(folder, `${DRAFT}${process.pid}-${Date.now()}`)
  const passwordFile = `${draft}-password`
  const maker = fileOwnerOf(account)
  await mkdir(draft, { mode: 0o700 })
  if (maker !== undefined) await chown(draft, maker.uid, maker.gid)
  // initdb reads the password from a file: on its command line everybody could read it.
  const password = await open(passwordFile, 'wx+', 0o600)
  try {
    const secret = randomBytes(24).toString('base64url')
    await password.writeFile(secret)
    await password.sync()
    if (maker !== undefined) await password.chown(maker.uid, maker.gid)
    const args = [
      `--pgdata=${placeFor(account, draft)}`,
      `--pwfile=${fileFor(account, passwordFile, 3)}`,
      `--username=${USER}`,
      '--auth=scram-sha-256', // others on this machine can connect to the port as well
      '--encoding=UTF8',
      // Postgres's own C.UTF-8: not even this of the host's locales has to exist, or to stay as it is.
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--lc-messages=C',
      '--set=scram_iterations=1', // settings.ts has the reason; here it is for the password's own hash
      '--no-instructions',
      // Not --no-sync: it saves a tenth of a second once, and a power cut soon after would leave data that look whole.
    ]
    const outcome = await run(account, join(installation.bin, program('initdb')), args, {
      cwd: draft,
      descriptor: password.fd,
    })
    if (outcome.code !== 0) {
      const nameless = account.kind === 'namespace' && installation.account.kind === 'self'
      const remark = nameless ? ['initdb needs a name for this user id in /etc/passwd; without one it said:'] : []
      const said = outcome.output.replaceAll(secret, '…').trim().split('\n').slice(-6)
      const reason = [...remark, ...said, `(${outcome.code})`].join('\n')
      throw new UserError(`the embedded Postgres in ${folder} could not be set up`, reason)
    }
    const owner = fileOwnerOf(installation.account)
    if (owner !== undefined) give(draft, owner)
    if (maker !== undefined) await chown(passwordFile, 0, 0)
    await rename(passwordFile, join(folder, 'password'))
    await rename(draft, join(folder, 'data'))
  } finally {
    await password.close()
    await rm(draft, { recursive: true, force: true })
    await rm(passwordFile, { force: true })
  }
}

/** Removes what an initialization that was killed left behind. */
export async function removeDrafts(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.startsWith(DRAFT)) await rm(join(folder, name), { recursive: true, force: true, maxRetries: 3 })
  }
}
