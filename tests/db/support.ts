import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, inject } from 'vitest'
import { type OpenDatabase, openDatabase } from '../../db/client.ts'
import { registerRun } from '../../db/runs.ts'
import type { StoredTurn } from '../../db/shards.ts'
import type { EpisodeRow, ItemRow } from '../../shared/recipe.ts'
import { freshDatabase } from '../services/fresh-database.ts'
import { smallConfig } from '../support/activities.ts'

export { smallConfig }

export interface TestDatabase extends OpenDatabase {
  url: string
}

/** A database of this file's own, open while its tests run. */
export function useDatabase(): () => TestDatabase {
  let opened: TestDatabase | null = null
  let drop: () => Promise<void> = () => Promise.resolve()
  beforeAll(async () => {
    const fresh = await freshDatabase(inject('databaseUrl'))
    drop = fresh.drop
    opened = { ...(await openDatabase(fresh.url)), url: fresh.url }
  })
  afterAll(async () => {
    await opened?.close()
    await drop()
  })
  return () => {
    if (!opened) throw new Error('the database is not open yet')
    return opened
  }
}

/** Registers a run of a new name: rows hang on it. */
export async function newRun({ database }: OpenDatabase): Promise<string> {
  const name = `run-${randomUUID().slice(0, 8)}`
  await registerRun(database, { name, config: smallConfig(), provenance: {} })
  return name
}

export const itemRow = (round: number, item: number, data: ItemRow['data'] = {}, set = 'problems'): ItemRow => ({
  round,
  set,
  item,
  data,
})

export const episodeRow = (round: number, episode: number, item: number): EpisodeRow => ({
  round,
  episode,
  item,
  data: { problem: `1+${item}` },
  outcome: null,
})

export const turnRow = (round: number, episode: number, turn: string): StoredTurn => ({
  round,
  episode,
  turn,
  role: 'critic',
  version: 0,
  prompt: 'is 1+1=2 right?',
  text: 'yes',
  tokens: 3,
  seed: `1/${round}/${turn}`,
  template: 'hash',
  verdict: null,
  reward: null,
})
