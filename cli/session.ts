/** What a command works with: the services of this project, the database and Temporal, given back when it ends. */
import path from 'node:path'
import { SparringClient } from '../client.ts'
import { openDatabase, type Database } from '../db/client.ts'
import { listRunNames } from '../db/reading.ts'
import { readRun, type RunRow } from '../db/runs.ts'
import { UserError } from '../shared/errors.ts'
import { runWorkflowId } from '../shared/ids.ts'
import { bringUp, type RunningServices } from './services/index.ts'
import { closeNames, note } from './terminal.ts'

export interface Session {
  services: RunningServices
  database: Database
  client: SparringClient
  /** Brings up again what died of the services. They come back where they were, so that everyone finds them. */
  repair(): Promise<void>
  /** Ends something when the session closes, before the services it stands on; also after Ctrl-C. */
  defer(end: () => Promise<unknown>): void
  /** Aborted as soon as the session is being closed: what fails from then on is no news. */
  closing: AbortSignal
  close(): Promise<void>
}

export async function openSession(what: string, onProgress: (message: string) => void = note): Promise<Session> {
  const services = await bringUp({ what, onProgress })
  const opened: (() => Promise<unknown>)[] = [() => services.stop()]
  const closing = new AbortController()
  const close = async (): Promise<void> => {
    closing.abort()
    for (const end of opened.splice(0).reverse()) await end()
  }
  try {
    const queuePrefix = process.env['SPARRING_QUEUE_PREFIX']
    const { database, close: closeDatabase } = await openDatabase(services.databaseUrl)
    opened.push(closeDatabase)
    const client = await SparringClient.connect({
      address: services.temporalAddress,
      namespace: services.temporalNamespace,
      // As the worker reads it: an installation that shares its namespace has queues of its own.
      ...(queuePrefix ? { queuePrefix } : {}),
    })
    opened.push(() => client.close())
    const repair = async (): Promise<void> => {
      const again = await bringUp({ what, onProgress })
      opened.unshift(() => again.stop())
      if (again.temporalAddress === services.temporalAddress && again.databaseUrl === services.databaseUrl) return
      throw new UserError(
        'a service died, and its port was taken by another program meanwhile',
        'start again: nothing finished is lost',
      )
    }
    const defer = (end: () => Promise<unknown>): void => void opened.push(end)
    return { services, database, client, repair, defer, closing: closing.signal, close }
  } catch (error) {
    await close()
    throw error
  }
}

/**
 * Runs a command's question against the services; they are left as they were found, also after Ctrl-C, when a terminal is told
 * what that means.
 */
export async function withSession<T>(
  what: string,
  use: (session: Session) => Promise<T>,
  interrupted?: string,
): Promise<T> {
  const session = await openSession(what)
  const interrupt = (): void => {
    if (interrupted !== undefined) note(`\n${interrupted}`)
    void session.close().finally(() => process.exit(130))
  }
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  try {
    return await use(session)
  } catch (error) {
    // What breaks as the services are taken away under it is no news; the process ends when they are closed.
    if (session.closing.aborted) await new Promise(() => undefined)
    throw error
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
    await session.close()
  }
}

/** A run by its name; one that does not exist is answered with the names that come near. */
export async function findRun({ database }: Pick<Session, 'database'>, name: string): Promise<RunRow> {
  const row = await readRun(database, name)
  if (row) return row
  const names = await listRunNames(database)
  const close = closeNames(name, names)
  throw new UserError(
    `there is no run ${name}`,
    close.length > 0
      ? `did you mean ${close.join(' or ')}? \`sparring runs\` lists them all`
      : names.length > 0
        ? `\`sparring runs\` lists the runs: ${names.slice(0, 5).join(', ')}${names.length > 5 ? ' …' : ''}`
        : 'there are no runs yet: `sparring start` begins the first one',
  )
}

export function uiAddress(services: RunningServices, run: string): string | null {
  const { temporalUi, temporalNamespace } = services
  return (
    temporalUi && `${temporalUi}/namespaces/${temporalNamespace}/workflows/${encodeURIComponent(runWorkflowId(run))}`
  )
}

export const reportPath = (home: string, run: string): string => path.join(home, 'reports', `${run}.html`)
