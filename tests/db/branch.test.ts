/** What a run takes over from another one behind whose round it begins. */
import { expect, test } from 'vitest'
import { adoptRounds } from '../../db/branch.ts'
import { readEvaluations, writeEvaluations } from '../../db/evaluations.ts'
import { publishPolicy } from '../../db/policies.ts'
import { closeRound, openRound } from '../../db/runs.ts'
import { commitShard, isShardDone } from '../../db/shards.ts'
import { newRun, smallConfig, useDatabase } from './support.ts'

const database = useDatabase()

test('a branch takes what had been judged of the policies that it shares, and nothing of those it has yet to make', async () => {
  const open = database()
  const source = await newRun(open)
  const judge = async (suite: string, round: number, version: number): Promise<void> => {
    const place = { run: source, round, phase: `evaluate ${suite} critic@${version}`, shard: 0 }
    const row = { suite, role: 'critic', version, item: 0, kind: 'k', label: 'Correct', verdict: 'Correct', text: 'so' }
    const cost = { tokens: 1, rows: 1, worker: 'w', spent: () => ({ seconds: 1, engine: [], storage: [] }) }
    await commitShard(open.database, place, cost, (transaction) => writeEvaluations(transaction, source, [row]))
  }
  for (const round of [0, 1, 2]) {
    await openRound(open.database, source, round, smallConfig())
    const policy = { run: source, role: 'critic', version: round, round, course: 'critic', sha256: 'a', bytes: 1 }
    await open.database.transaction((transaction) => publishPolicy(transaction, { ...policy, lesson: {} }, []))
    await judge('natural/test', round, round)
    await closeRound(open.database, source, round, { score: 0, numbers: {} })
  }
  // By a command, once the run had finished: counted to round 0.
  for (const version of [0, 1, 2]) await judge('file', 0, version)

  const run = `${source}-branch`
  await adoptRounds(open.database, { run, config: smallConfig(), provenance: {}, branch: { run: source, round: 1 } })
  const taken = (await readEvaluations(open.database, run)).map(({ suite, version }) => `${suite} ${version}`)
  expect(taken.toSorted()).toEqual(['file 0', 'file 1', 'natural/test 0', 'natural/test 1'])
  const done = (version: number) =>
    isShardDone(open.database, { run, round: 0, phase: `evaluate file critic@${version}`, shard: 0 })
  expect([await done(0), await done(1), await done(2)]).toEqual([true, true, false])
})
