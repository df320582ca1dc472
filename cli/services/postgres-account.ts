/**
 * Postgres refuses to run as root. In a container, where root is all there is, it runs as the system user `postgres`.
 * That user must be able to reach the binaries and the data; when a folder above them is closed to it (/root, a private temporary
 * folder), the process gets the one capability to read and search folders, instead of other people's folders being opened up.
 */
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { UserError } from '../../shared/errors.ts'

interface Ids {
  uid: number
  gid: number
}

export interface Account {
  /** Who must own the data; null: we ourselves. */
  owner: Ids | null
  /** For spawn. */
  ids: Ids | Record<string, never>
  /** Put in front of the command line. */
  prefix: string[]
}

const user = 'postgres'

/** @param paths files and folders that the account must reach; the first is a program that knows --version */
export function postgresAccount(paths: readonly [string, ...string[]]): Account {
  if (process.getuid?.() !== 0) return { owner: null, ids: {}, prefix: [] }
  const owner = lookUp() ?? createUser()
  const plain: Account = { owner, ids: owner, prefix: [] }
  if (reaches(plain, paths)) return plain
  // no_setuid_fixup: without it access(2), by which Postgres checks its own binary, ignores the capability.
  const searching: Account = {
    owner,
    ids: {},
    prefix: [
      'setpriv',
      `--reuid=${owner.uid}`,
      `--regid=${owner.gid}`,
      '--clear-groups',
      '--securebits=+no_setuid_fixup',
      '--inh-caps=-all,+dac_read_search',
      '--ambient-caps=+dac_read_search',
      '--bounding-set=-all,+dac_read_search',
    ],
  }
  if (reaches(searching, paths)) return searching
  throw new UserError(
    `Postgres cannot run as root, and its user "${user}" may not enter ${path.dirname(paths[0])} and ${paths[paths.length - 1]}.`,
    'Run Sparring as an ordinary user; or clone it, and set SPARRING_HOME, under folders that every user may enter (not /root); or set DATABASE_URL.',
  )
}

function reaches(account: Account, [program, ...others]: readonly [string, ...string[]]): boolean {
  return run(account, [program, '--version']) && others.every((other) => run(account, ['test', '-x', other]))
}

function run(account: Account, command: readonly string[]): boolean {
  const [first = '', ...rest] = [...account.prefix, ...command]
  return spawnSync(first, rest, { cwd: '/', stdio: 'ignore', ...account.ids }).status === 0
}

function lookUp(): Ids | null {
  const [uid, gid] = ['-u', '-g'].map((flag) => spawnSync('id', [flag, user], { encoding: 'utf8' }))
  if (uid?.status !== 0 || gid?.status !== 0) return null
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
}

function createUser(): Ids {
  const made = spawnSync('useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/bin/false', user], {
    encoding: 'utf8',
  })
  const ids = lookUp()
  if (ids !== null) return ids
  throw new UserError(
    `Postgres cannot run as root, and the user "${user}" could not be made: ${made.error?.message ?? made.stderr.trim()}`,
    `Run Sparring as an ordinary user, add the system user "${user}", or set DATABASE_URL to a server of your own.`,
  )
}
