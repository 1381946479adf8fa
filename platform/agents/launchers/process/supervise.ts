import { createHash, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * The shell that stays with one process of a job, whatever becomes of the agent: it writes down who it is and how its
 * program ended, and when it is told to go (SIGTERM) it tells its program, once, and ends it when its time is up.
 * - A pid file comes to be whole and only once (`ln`), so a process of a job cannot be started twice.
 * - The trap is set before there is a pid to be signalled, and the mark `stopped` is looked for after: whoever stops the
 *   job leaves the mark first and then signals, so one of the two is seen. A folder may be removed at any time, and be
 *   another job's then: it is ours as long as our pid is in it.
 * - It leads a process group. What its program leaves behind there ends with it, as in a container.
 */
const SCRIPT = `# Stays with one process of a job: sh THIS JOB-FOLDER ROLE GRACE-SECONDS PROGRAM [ARGUMENT ...]
job=$1 role=$2 grace=$3
shift 3
child= told= code=
tell() {
  told=yes
  [ -n "$child" ] || return 0
  trap '' TERM
  kill -TERM "$child"
  (sleep "$grace"; kill -KILL "$child") &
}
isOurs() {
  read -r owner 2>/dev/null <"$job/$role.pid" && [ "$owner" = $$ ]
}
trap tell TERM
echo $$ >"$job/$role.$$" || exit 1
ln "$job/$role.$$" "$job/$role.pid" 2>/dev/null
linked=$?
rm -f "$job/$role.$$"
if [ $linked -ne 0 ]; then
  [ -e "$job/$role.pid" ] && exit 0
  echo "cannot write $job/$role.pid" >&2
  exit 1
fi
if [ -e "$job/stopped" ] || ! isOurs; then
  code=143
else
  "$@" >>"$job/$role.log" 2>&1 &
  child=$!
fi
(echo begun) 2>/dev/null
exec >/dev/null 2>&1
[ -n "$told" ] && tell
while [ -n "$child" ]; do
  before=$told
  wait "$child"
  now=$?
  # A signal ends the wait early: once more. By then the end may have been taken note of already (127).
  [ $now -eq 127 ] && [ -n "$code" ] || code=$now
  [ "$before" = "$told" ] && break
done
isOurs && echo "$code" >"$job/$role.$$" && mv "$job/$role.$$" "$job/$role.exit"
kill -s KILL -- -$$
`

const NAME = `.supervise-${createHash('sha256').update(SCRIPT).digest('hex').slice(0, 12)}.sh`

/** Writes the script where the jobs are, if it is not there yet. @returns its path */
export async function bringSupervisor(folder: string): Promise<string> {
  const path = join(folder, NAME)
  if (existsSync(path)) return path
  const whole = `${path}.${randomUUID()}`
  await writeFile(whole, SCRIPT, { mode: 0o600 })
  await rename(whole, path)
  return path
}
