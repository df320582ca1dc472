/** Same plan, same bytes: whoever computes it, however it is interrupted by its user (DESIGN section 4, rules 1, 4 and 5). */
import { beforeAll, describe, expect, inject, test } from 'vitest'
import { until } from '../../cli/services/processes.ts'
import type { Fingerprint } from '../support/fingerprint.ts'
import { playBranch, playThrough, query, unbrokenRun, withClient } from '../support/run.ts'

const servers = { temporalAddress: inject('temporalAddress'), databaseUrl: inject('databaseUrl') }
let unbroken: Fingerprint

beforeAll(async () => {
  unbroken = (await unbrokenRun(servers)).print
}, 180_000)

describe('the small run', () => {
  test('covers what the other tests rely on: games, checkpoints inside updates, updates that learn from play', () => {
    expect(unbroken.rows).toMatchObject({ runs: 1, rounds: 3, policies: 8, checkpoints: 5 })
    for (const table of ['shards', 'items', 'episodes', 'turns', 'evaluations', 'metrics', 'consumptions']) {
      expect(unbroken.rows[table], table).toBeGreaterThan(50)
    }
    // Eight policies and five states of the optimizer inside three updates, all different.
    expect(new Set(Object.values(unbroken.files)).size).toBe(13)
    expect(Object.keys(unbroken.games).toSorted()).toEqual(['detected', 'fooling', 'invalid'])
    for (const [outcome, games] of Object.entries(unbroken.games)) expect(games, outcome).toBeGreaterThan(10)
  })

  test.each([
    ['one worker with one engine', [1]],
    ['two workers, of one engine and of two', [1, 2]],
  ])(
    '%s: the same rows and weights',
    async (_name, engines) => {
      expect(await playThrough(servers, engines)).toEqual(unbroken)
    },
    180_000,
  )

  test('branched off a run of other later settings: the same rows and weights, but for the configuration of round 0', async () => {
    const branched = await playBranch(servers)
    const without = ({ tables: { rounds: _rounds, ...tables }, ...print }: Fingerprint) => ({ ...print, tables })
    expect(without(branched)).toEqual(without(unbroken))
  }, 180_000)

  test('paused twice and resumed: the same rows and weights, and nothing is played meanwhile', async () => {
    const paused = await playThrough(servers, [2], {
      meddle: async (place, run) => {
        const shards = async (): Promise<number> =>
          Number(
            (await query<{ count: string }>(place.databaseUrl, 'select count(*) from shards where run = $1', [run]))[0]
              ?.count,
          )
        // In the midst of round 0, and in the midst of the games of a later round.
        for (const first of [3, 40]) {
          expect(await until(async () => (await shards()) >= first, 90_000)).toBe(true)
          await withClient(place, async (client) => {
            await client.pause(run)
            const round = (await client.status(run)).round
            // What was under way ends: then the round has as many shards done as it ever started.
            let before = -1
            const still = async (): Promise<boolean> => {
              const now = await shards()
              const same = now === before
              before = now
              return same
            }
            expect(await until(still, 60_000, 2000)).toBe(true)
            expect((await client.status(run)).state).toBe('paused')
            expect((await client.status(run)).round).toBe(round)
            await client.resume(run)
          })
        }
      },
    })
    expect(paused).toEqual(unbroken)
  }, 240_000)
})
