import { fileURLToPath } from 'node:url'
import { drizzle } from 'drizzle-orm/node-postgres'
import { migrate } from 'drizzle-orm/node-postgres/migrator'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import * as schema from './schema.ts'

export type Database = NodePgDatabase<typeof schema>
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0]

export interface OpenDatabase {
  database: Database
  close(): Promise<void>
}

/** Any fixed number: holders of this advisory lock migrate one after the other. */
const MIGRATION_LOCK = 7_346_201

/** Opens the database and brings its tables up to date. Several processes may do so at once. */
export async function openDatabase(url: string): Promise<OpenDatabase> {
  const pool = new pg.Pool({ connectionString: url, max: 8 })
  // A connection that dies while idle (the server was killed) is replaced at the next query, which reports what fails.
  pool.on('error', (error) => process.emitWarning(`an idle database connection ended: ${error.message}`))
  // One that dies while a transaction holds it says so twice: its query fails, and it emits an error, which would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined))
  try {
    const client = await pool.connect()
    try {
      await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK])
      await migrate(drizzle({ client, schema }), {
        migrationsFolder: fileURLToPath(new URL('migrations', import.meta.url)),
      })
      await client.query('select pg_advisory_unlock($1)', [MIGRATION_LOCK])
    } finally {
      client.release()
    }
  } catch (error) {
    await pool.end()
    throw error
  }
  return { database: drizzle({ client: pool, schema }), close: () => pool.end() }
}
