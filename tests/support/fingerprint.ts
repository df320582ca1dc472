/** What two executions of one plan must have in common: every deterministic column of every table, and the bytes of the weights. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { getTableName, is } from 'drizzle-orm'
import { getTableConfig, PgTable, PgText } from 'drizzle-orm/pg-core'
import pg from 'pg'
import * as schema from '../../db/schema.ts'

/** One hash per table, and one per policy and checkpoint file (`role@version` or `role@version step n`). */
export interface Fingerprint {
  tables: Record<string, string>
  /** Rows per table: says at a glance what is missing when hashes differ. */
  rows: Record<string, number>
  files: Record<string, string>
  /** Games by outcome. */
  games: Record<string, number>
}

/** Columns that say when, where and how fast something was computed (see db/schema.ts). */
const incidental = (column: string): boolean =>
  /_(at|times)$/.test(column) || ['seconds', 'worker', 'host', 'provenance'].includes(column)

/** What people asked for, not what was computed. */
const leftOut: string[] = [getTableName(schema.controlEvents)]

const tables = Object.values(schema)
  .filter((value) => is(value, PgTable))
  .filter((table) => !leftOut.includes(getTableName(table)))

export async function fingerprint(databaseUrl: string, artefacts: string, run: string): Promise<Fingerprint> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const found: Fingerprint = { tables: {}, rows: {}, files: {}, games: {} }
    for (const table of tables) {
      const { name, columns, primaryKeys } = getTableConfig(table)
      const key = [
        ...columns.filter(({ primary }) => primary),
        ...primaryKeys.flatMap((composite) => composite.columns),
      ]
      // Bytes decide the order of texts, not the collation of this database.
      const order = key.map((column) => `"${column.name}"${is(column, PgText) ? ' collate "C"' : ''}`)
      const owner = name === 'runs' ? 'name' : 'run'
      // Copies of one run bear different names.
      const dropped = [owner, ...columns.map((column) => column.name).filter(incidental)]
      const { rows } = await client.query<{ row: string }>(
        `select (to_jsonb(stored) - $2::text[])::text as row from "${name}" stored where ${owner} = $1 order by ${order.join(', ')}`,
        [run, dropped],
      )
      found.rows[name] = rows.length
      found.tables[name] = sha256(rows.map(({ row }) => row).join('\n'))
    }
    const outcomes = await client.query<{ outcome: string; count: string }>(
      'select outcome, count(*) from episodes where run = $1 group by outcome order by outcome',
      [run],
    )
    for (const { outcome, count } of outcomes.rows) found.games[outcome] = Number(count)
    for (const [file, hash] of await storedFiles(client, run)) {
      const actual = sha256(await readFile(join(artefacts, `${hash}.safetensors`)))
      if (actual !== hash) throw new Error(`${file}: the file has sha256 ${actual}, its row says ${hash}`)
      found.files[file] = hash
    }
    return found
  } finally {
    await client.end()
  }
}

/** Where two fingerprints differ, one line each; none when they are equal. */
export function differences(expected: Fingerprint, found: Fingerprint): string[] {
  return (['tables', 'rows', 'files', 'games'] as const).flatMap((part) => {
    const [one, other] = [expected[part], found[part]]
    return [...new Set([...Object.keys(one), ...Object.keys(other)])]
      .filter((key) => one[key] !== other[key])
      .map((key) => `${part} ${key}: ${one[key] ?? 'none'} expected, ${other[key] ?? 'none'} found`)
  })
}

async function storedFiles(client: pg.Client, run: string): Promise<[string, string][]> {
  const { rows } = await client.query<{ file: string; sha256: string }>(
    `select role || '@' || version as file, sha256 from policies where run = $1
     union all
     select role || '@' || version || ' step ' || step, sha256 from checkpoints where run = $1 order by file`,
    [run],
  )
  return rows.map(({ file, sha256: hash }) => [file, hash])
}

const sha256 = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
