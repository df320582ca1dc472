/** Tables are made, and brought up to date, by whoever opens the database: any number of processes at once. */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { drizzle } from 'drizzle-orm/node-postgres'
import { migrate } from 'drizzle-orm/node-postgres/migrator'
import pg from 'pg'
import { afterEach, beforeEach, expect, inject, test } from 'vitest'
import { z } from 'zod'
import { type OpenDatabase, openDatabase } from '../../db/client.ts'
import { readRun } from '../../db/runs.ts'
import { freshDatabase } from '../services/fresh-database.ts'
import { query } from '../support/run.ts'
import { newRun } from './support.ts'

const folder = fileURLToPath(new URL('../../db/migrations', import.meta.url))
const journal = z.looseObject({ entries: z.array(z.looseObject({ tag: z.string() })) })
const entries = (): z.infer<typeof journal> =>
  journal.parse(JSON.parse(fs.readFileSync(path.join(folder, 'meta', '_journal.json'), 'utf8')))

let fresh: Awaited<ReturnType<typeof freshDatabase>>
const opened: OpenDatabase[] = []

beforeEach(async () => {
  fresh = await freshDatabase(inject('databaseUrl'))
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map(({ close }) => close()))
  await fresh.drop()
})

async function open(): Promise<OpenDatabase> {
  const database = await openDatabase(fresh.url)
  opened.push(database)
  return database
}

const applied = async (): Promise<number> =>
  (await query(fresh.url, 'select * from drizzle.__drizzle_migrations')).length

test('opened by six at once, and again: every migration is applied once', async () => {
  const all = await Promise.all(Array.from({ length: 6 }, open))
  expect(await applied()).toBe(entries().entries.length)
  const name = await newRun(all[0] ?? (await open()))
  const again = await open()
  expect(await applied()).toBe(entries().entries.length)
  expect(await readRun(again.database, name)).toMatchObject({ name })
})

test('a database of the first version keeps its rows when it is brought up to date', async () => {
  const old = fs.mkdtempSync(path.join(os.tmpdir(), 'sparring-migrations-'))
  const client = new pg.Client({ connectionString: fresh.url })
  await client.connect()
  try {
    fs.cpSync(folder, old, { recursive: true })
    const first = { ...entries(), entries: entries().entries.slice(0, 1) }
    fs.writeFileSync(path.join(old, 'meta', '_journal.json'), JSON.stringify(first))
    await migrate(drizzle({ client }), { migrationsFolder: old })
    await client.query(`insert into runs (name, recipe, seed, config, state, provenance)
      values ('old', 'spc', 1, '{}', 'finished', '{}')`)
    await client.query(`insert into control_events (run, kind, data, round)
      values ('old', 'pause', '{}', 0), ('old', 'pause', '{}', 0)`)
  } finally {
    await client.end()
    fs.rmSync(old, { recursive: true })
  }
  const { database } = await open()
  expect(await applied()).toBe(entries().entries.length)
  expect(await readRun(database, 'old')).toMatchObject({ state: 'finished' })
  expect(await query(fresh.url, 'select kind from control_events')).toHaveLength(2)
})
