/** Talking to a Postgres server, ours or the user's: does it answer, is it new enough, is the database there. */
import pg from 'pg'
import { messageOf, UserError } from '../../shared/errors.ts'
import { hasCode } from './processes.ts'

const oldestMajor = 14
const patienceMs = 5_000

export function databaseUrl(port: number, database = 'sparring'): string {
  return `postgresql://sparring:sparring@127.0.0.1:${port}/${database}`
}

async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: patienceMs,
    query_timeout: patienceMs,
  })
  // A server that goes down also breaks idle connections; the query in flight, or the next one, reports it.
  client.on('error', () => undefined)
  try {
    await client.connect()
    return await use(client)
  } finally {
    await client.end()
  }
}

/** Whether our own server answers on this URL, and not a stranger on the same port. */
export async function isPostgresReady(url: string, directory: string): Promise<boolean> {
  try {
    return await withClient(url, async (client) => {
      const { rows } = await client.query<{ data_directory: string }>('show data_directory')
      return rows[0]?.data_directory === directory
    })
  } catch (error) {
    if (error instanceof Error) return false // not yet, or no longer, or someone else's: all of them "no"
    throw error
  }
}

/** Creates the database that the URL names when the server lacks it, and checks the server's version. */
export async function prepareDatabase(url: string): Promise<void> {
  try {
    await checkVersion(url)
  } catch (error) {
    if (!hasCode(error, '3D000')) throw error // invalid_catalog_name
    await createDatabase(url)
    await checkVersion(url)
  }
}

async function checkVersion(url: string): Promise<void> {
  await withClient(url, async (client) => {
    const { rows } = await client.query<{ server_version_num: string; encoding: string }>(
      `select current_setting('server_version_num') server_version_num, current_setting('server_encoding') encoding`,
    )
    const major = Math.floor(Number(rows[0]?.server_version_num) / 10_000)
    if (major < oldestMajor)
      throw new UserError(
        `The database server is Postgres ${major}; Sparring needs ${oldestMajor} or newer.`,
        'Use a newer server.',
      )
    if (rows[0]?.encoding !== 'UTF8')
      throw new UserError(
        `The database's encoding is ${rows[0]?.encoding}; Sparring stores Unicode.`,
        'Create it with encoding UTF8.',
      )
  })
}

async function createDatabase(url: string): Promise<void> {
  const target = new URL(url)
  const name = decodeURIComponent(target.pathname.slice(1))
  target.pathname = '/postgres'
  await withClient(target.href, (client) =>
    client.query(`create database ${client.escapeIdentifier(name)} encoding 'UTF8' template template0`),
  )
}

/** The same for a server that the user named in DATABASE_URL: what fails is theirs to mend, so it says so. */
export async function prepareExternalDatabase(url: string): Promise<void> {
  try {
    await prepareDatabase(url)
  } catch (error) {
    if (error instanceof UserError) throw error
    throw new UserError(
      `The database in DATABASE_URL (${withoutPassword(url)}) cannot be used: ${messageOf(error) || String(error)}`,
      'Check the address, user, password and rights, or unset DATABASE_URL to use the embedded Postgres.',
    )
  }
}

export function withoutPassword(url: string): string {
  try {
    const parsed = new URL(url)
    if (parsed.password !== '') parsed.password = '***'
    return parsed.href
  } catch (error) {
    if (error instanceof TypeError) return 'not a URL'
    throw error
  }
}
