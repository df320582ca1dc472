import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { z } from 'zod'
import { freshDatabase } from '../services/fresh-database.ts'
import { makeTestHome, removeTestHome } from '../services/test-home.ts'
import { begin, servedBy, sparring, type Ended } from './support.ts'

/** One small run, played by the command as a user plays it, and everything one can ask of it afterwards. */
const patience = 240_000
const name = `cli-${randomUUID().slice(0, 8)}`
const small = ['base.steps=200', 'weakSolver.steps=100', 'supervised.generator.steps=60']
const file = ['examples/spc-smoke.yaml', ...small.flatMap((set) => ['--set', set])]

let home: string
let env: NodeJS.ProcessEnv
let databaseUrl: string
let drop: () => Promise<void>
let played: Ended
beforeAll(async () => {
  home = makeTestHome()
  const database = await freshDatabase(inject('databaseUrl'))
  drop = database.drop
  databaseUrl = database.url
  env = servedBy({ home, databaseUrl: database.url, queuePrefix: name })
  played = await sparring(['run', ...file, '--name', name], env)
}, patience)
afterAll(async () => {
  await ask('services', 'down') // a background worker that a failed test left
  await drop()
  await removeTestHome(home)
})

const ask = (...args: string[]): Promise<Ended> => sparring(args, env)

const account = {
  seconds: z.number(),
  engine: z.number(),
  storage: z.number(),
  worker: z.number(),
  between: z.number(),
  engine_seconds: z.number(),
  engine_share: z.number(),
  engines: z.number(),
}
const Status = z.object({
  run: z.string(),
  recipe: z.string(),
  state: z.string(),
  round: z.int(),
  rounds: z.int(),
  phase: z.string().nullable(),
  report: z.string().nullable(),
  per_round: z.array(
    z.object({
      round: z.int(),
      correct: z.number().nullable(),
      wrong: z.number().nullable(),
      mean: z.number().nullable(),
      harmonic: z.number().nullable(),
      invalid: z.number().nullable(),
      attack_rate: z.number().nullable(),
      fooling_rate: z.number().nullable(),
      seconds: z.record(z.string(), z.number()),
      tokens: z.int(),
      time: z.object({ ...account, phases: z.record(z.string(), z.object(account)) }),
    }),
  ),
  time: z.object(account),
  policies: z.array(z.object({ role: z.string(), version: z.int(), sha256: z.string().length(64) })),
})
const interval = z.object({ value: z.number(), low: z.number(), high: z.number() })
const scores = {
  policy: z.string(),
  mean: z.number(),
  harmonic: z.number(),
  counts: z.object({ correct: z.int(), wrong: z.int() }),
}
const Evaluated = z.looseObject({
  ...scores,
  unreadable: z.object({ of: z.int(), votes: z.looseObject({ of: z.int() }) }),
  calibration: z.object({ expected_error: z.number().nullable(), bins: z.array(z.unknown()) }),
  baselines: z.array(
    z.looseObject({
      ...scores,
      difference: z.looseObject({
        mean: interval,
        f1: z.looseObject({ value: z.number(), low: z.number().nullable(), high: z.number().nullable() }),
        pairs: z.object({ correct: z.int(), wrong: z.int(), differing: z.int() }),
      }),
    }),
  ),
})
const statusOf = async (run: string) => Status.parse(JSON.parse((await ask('status', run, '--json')).stdout))

test('a run shows what happens and ends with its scores, its report and what to do next', () => {
  expect(played).toMatchObject({ code: 0, stderr: '' })
  const { stdout } = played
  expect(stdout).toContain(`run ${name}: launched`)
  expect(stdout).toContain('Worker: ready')
  expect(stdout).toMatch(/round 0\/1 · update solver/)
  expect(stdout).toMatch(/round .*wrong +.*attack/)
  const report = /^Report: (.*)$/m.exec(stdout)?.[1] ?? ''
  expect(fs.readFileSync(report, 'utf8')).toContain('<html')
  expect(stdout).toContain(`npx sparring episodes ${name}`)
})

test(
  '--from begins behind a round of another run, and refuses what its rounds do not fit',
  async () => {
    const branch = (...args: string[]) => ask('run', ...file, ...args)
    expect(await branch('--name', 'b', '--from', 'nobody')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no run nobody to branch off'),
    })
    expect(await branch('--name', 'b', '--from', `${name}@2`)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`round 2 of run ${name} is not finished`),
    })
    expect(await branch('--name', 'b', '--from', name, '--set', 'seed=2')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('cannot have another seed'),
    })
    const branched = await branch('--name', 'frozen', '--from', name, '--set', 'play.generator=frozen')
    expect(branched).toMatchObject({ code: 0, stderr: '' })
    expect(branched.stdout).not.toContain('update solver')
    const [trunk, status] = [await statusOf(name), await statusOf('frozen')]
    // A copied round ends where it was summed up; the trunk's lasts until the next one opened.
    const { engine, phases, ...clock } = trunk.per_round[0]!.time
    expect(status.per_round[0]).toEqual({
      ...trunk.per_round[0],
      time: { engine, phases, ...Object.fromEntries(Object.keys(clock).map((key) => [key, expect.any(Number)])) },
    })
    expect(status.per_round[1]).not.toEqual(trunk.per_round[1])
  },
  patience,
)

test('status --json holds the numbers of every round and the policies', async () => {
  const status = await statusOf(name)
  expect(status).toMatchObject({ run: name, recipe: 'spc', state: 'finished', round: 1, rounds: 1, phase: null })
  expect(status.per_round.map(({ round }) => round)).toEqual([0, 1])
  expect(status.per_round[1]).toMatchObject({ wrong: expect.any(Number), attack_rate: expect.any(Number) })
  expect(Object.keys(status.per_round[1]?.seconds ?? {})).toEqual(
    expect.arrayContaining(['presolve', 'deceive', 'criticise', 'update critic']),
  )
  expect(status.per_round[0]?.tokens).toBeGreaterThan(0)
  expect(status.policies.map(({ role, version }) => `${role}@${version}`)).toEqual(
    expect.arrayContaining(['critic@0', 'critic@1', 'generator@0', 'generator@1', 'solver@0', 'weak-solver@0']),
  )
})

test('status says where the time went: four parts that add up, by phase and by round', async () => {
  const { per_round: rounds, time } = await statusOf(name)
  const accounts = [time, ...rounds.flatMap(({ time: { phases, ...round } }) => [round, ...Object.values(phases)])]
  for (const { seconds, engine, storage, worker, between, engine_seconds: sum } of accounts) {
    expect(engine + storage + worker + between).toBeCloseTo(seconds, 1)
    expect(sum).toBeGreaterThanOrEqual(engine - 0.02)
  }
  expect(rounds[0]?.time.phases['update solver']?.engine).toBeGreaterThan(0)
  expect(rounds[1]?.time.phases['reward']).toMatchObject({ engine: 0, engine_seconds: 0 })
  const { stdout } = await ask('status', name)
  expect(stdout).toMatch(/round +phase +seconds +engine +storage +worker +between +engine share +engines/)
  expect(stdout).toMatch(/all rounds( +[\d.]+){5} +[\d.]+ % +[\d.]+/)
})

test('a second start shows the result, and brings up no worker', async () => {
  const again = await ask('run', ...file, '--name', name)
  expect(again.code).toBe(0)
  expect(again.stdout).toContain('finished')
  expect(again.stdout).not.toContain('Worker: ready')
})

test('one name, one configuration', async () => {
  const { code, stderr } = await ask('run', ...file, '--name', name, '--set', 'play.critiques=3')
  expect(code).toBe(2)
  expect(stderr).toContain('play.critiques differs')
  expect(stderr).toContain('--name')
})

describe('asked about', () => {
  test('an unknown run: the close names', async () => {
    for (const command of ['status', 'episodes', 'pause']) {
      const { code, stderr } = await ask(command, `${name}x`)
      expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(`did you mean ${name}?`) })
    }
  })

  test('runs, report and plain status', async () => {
    expect((await ask('runs')).stdout).toMatch(new RegExp(`${name} +spc +finished +1 of 1`))
    const runs: unknown = JSON.parse((await ask('runs', '--json')).stdout)
    expect(runs).toContainEqual(expect.objectContaining({ run: name, state: 'finished', seconds_left: 0 }))
    expect((await ask('report', name)).stdout.trim()).toBe((await statusOf(name)).report)
    expect((await ask('status')).stdout).toContain('critic')
  })

  test('a run of another version, whose configuration is unknown here, does not hide the others', async () => {
    const client = new pg.Client({ connectionString: databaseUrl })
    await client.connect()
    try {
      const config = "jsonb_build_object('recipe', 'spc', 'temperament', 'calm')"
      await client.query(
        `insert into runs (name, recipe, seed, config, provenance, state) values ($1, 'spc', 1, ${config}, '{}', 'stopped')`,
        [`${name}-old`],
      )
      const { code, stdout } = await ask('runs')
      expect(code).toBe(0)
      expect(stdout).toMatch(new RegExp(`${name} +spc +finished +1 of 1`))
      expect(stdout).toMatch(new RegExp(`${name}-old +spc +unreadable`))
      expect(stdout).toMatch(new RegExp(`run ${name}-old: .*temperament`))
      const runs: unknown = JSON.parse((await ask('runs', '--json')).stdout)
      const error: unknown = expect.stringContaining('temperament')
      expect(runs).toContainEqual(expect.objectContaining({ run: `${name}-old`, state: 'unreadable', error }))
    } finally {
      await client.query('delete from runs where name = $1', [`${name}-old`])
      await client.end()
    }
  })

  test('a run that is over cannot be steered', async () => {
    expect(await ask('pause', name)).toMatchObject({ code: 2, stderr: expect.stringContaining('under way') })
  })

  test(
    'votes of its critic beside those of another, with reliability and difference',
    async () => {
      const plot = path.join(home, 'votes.html')
      const voted = ['--policy', `${name}/critic`, '--suite', 'synthetic/test', '--votes', '3', '--temperature', '1']
      const more = ['--baseline', `${name}/critic@0`, '--limit', '20']
      const first = await ask('evaluate', ...voted, ...more, '--plot', plot, '--json')
      expect(first).toMatchObject({ code: 0, stderr: '' })
      const answer = Evaluated.parse(JSON.parse(first.stdout))
      expect(answer).toMatchObject({ run: name, policy: 'critic@1', voting: { votes: 3, temperature: 1 } })
      const of = ({ correct, wrong }: { correct: number; wrong: number }): number => correct + wrong
      expect(of(answer.counts)).toBe(20)
      expect(answer.unreadable).toMatchObject({ of: 20, votes: { of: 60 } })
      expect(answer.calibration.bins).toHaveLength(10)
      const [baseline] = answer.baselines
      expect(baseline).toMatchObject({ policy: 'critic@0' })
      expect(of(baseline!.difference.pairs)).toBe(20)
      expect(baseline!.difference.mean.value).toBeCloseTo(answer.mean - baseline!.mean, 9)
      expect(baseline!.difference.f1.value).toBeCloseTo(answer.harmonic - baseline!.harmonic, 9)
      expect(fs.readFileSync(plot, 'utf8')).toContain(`${name}/critic@1`)
      // Everything is judged now: this answers without a worker.
      const again = await ask('evaluate', ...voted, ...more)
      expect(again.stdout).toContain(`${name}/critic@1 minus ${name}/critic@0, on the same lines`)
      expect(again.stdout).toMatch(/F1 \(harmonic mean\) +[+-]\d/)
      expect(again.stdout).toContain('expected calibration error')
      expect(again.stdout).toContain('without a critic: always Correct: mean 0.500')
    },
    patience,
  )

  test('what a round of its own has judged is read, and not judged again', async () => {
    const client = new pg.Client({ connectionString: databaseUrl })
    await client.connect()
    try {
      const judged = async (): Promise<unknown> => {
        const phase = 'evaluate natural/test critic@1'
        return (await client.query('select round from shards where run = $1 and phase = $2', [name, phase])).rows
      }
      const before = await judged()
      expect(before).toContainEqual({ round: 1 })
      const answer = await ask('evaluate', '--policy', `${name}/critic@1`, '--suite', 'natural/test', '--json')
      expect(answer).toMatchObject({ code: 0, stderr: '' })
      expect(JSON.parse(answer.stdout) as unknown).toMatchObject({ policy: 'critic@1' })
      expect(await judged()).toEqual(before)
    } finally {
      await client.end()
    }
  })

  test('what cannot be judged: an unknown suite, a policy that is not there, a file that is missing or not wanted', async () => {
    const evaluate = (...args: string[]) => ask('evaluate', '--policy', `${name}/critic`, ...args)
    const own = ['--suite', 'natural/test']
    for (const [args, message] of [
      [['--suite', 'natural/tests'], 'did you mean natural/test?'],
      [['--suite', 'bigbench-mistake'], 'name it with --data FILE'],
      [[...own, '--data', 'package.json'], 'leave --data out'],
      [[...own, '--baseline', `${name}/critic`], 'which is judging already'],
    ] as const) {
      expect(await evaluate(...args)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(message) })
    }
  })

  test('games, for people and for programs', async () => {
    const text = (await ask('episodes', name, '--limit', '2')).stdout
    expect(text).toMatch(/Round 1, game \d+: /)
    expect(text).toContain('right step')
    expect(text).toContain('by generator@0 · reward')
    expect(text).not.toContain('\u001b[')
    const Games = z.array(z.object({ round: z.int(), outcome: z.string(), turns: z.array(z.unknown()).min(1) }))
    const invalid = Games.parse(
      JSON.parse((await ask('episodes', name, '--outcome', 'invalid', '--limit', '3', '--json')).stdout),
    )
    expect(invalid.length).toBeLessThanOrEqual(3)
    expect(new Set(invalid.map(({ outcome }) => outcome))).toEqual(new Set(['invalid']))
    expect((await ask('episodes', name, '--round', '0')).stdout).toContain('has no finished games of round 0')
    const unknown = await ask('episodes', name, '--outcome', 'mended')
    expect(unknown).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('use one of: fooling, detected, invalid'),
    })
  })
})

test(
  'interrupted and gone on with, a run makes the same policies',
  async () => {
    const other = `${name}-cut`
    const { child, ended, said } = begin(['run', ...file, '--name', other], env)
    await said('Worker: ready')
    await new Promise((resolve) => setTimeout(resolve, 3000))
    child.kill('SIGINT')
    const stopped = await ended
    expect(stopped.code).toBe(130)
    expect(stopped.stdout).toContain(`stopped; \`npx sparring start ${other}\` goes on where it was`)

    const onward = await ask('start', other)
    expect(onward.code).toBe(0)
    expect(onward.stdout).toContain('goes on')
    expect((await statusOf(other)).policies).toEqual((await statusOf(name)).policies)
  },
  patience,
)

test(
  'a run in the background, steered: paused, changed, resumed, stopped after its round, and gone on with',
  async () => {
    const other = `${name}-back`
    const begun = await ask('run', ...file, '--name', other, '--set', 'rounds=2', '--detach')
    expect(begun).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('in the background') })
    expect((await ask('pause', other)).stdout).toContain('pauses')
    expect(await ask('pause', other)).toMatchObject({ code: 2, stderr: expect.stringContaining('paused already') })
    expect((await statusOf(other)).state).toBe('paused')
    expect((await ask('set', other, 'update.critic.learningRate', '5e-4')).stdout).toContain('from round 1 on')
    expect(await ask('set', other, 'seed', '5')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('these can'),
    })
    // So before the round from which on the change is to hold.
    expect((await ask('stop', other)).stdout).toContain('stops after round 0')
    expect((await ask('resume', other)).code).toBe(0)
    const watched = await ask('watch', other)
    expect(watched).toMatchObject({ code: 0, stdout: expect.stringContaining('stopped') })
    expect((await ask('services', 'down')).code).toBe(0)
    expect(await ask('start', other)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('goes on behind round 0'),
    })
    expect((await statusOf(other)).state).toBe('finished')
    // The run goes by either configuration, as it was at first and as it is by now, and by no third.
    const retyped = (rate: string) =>
      ask('run', ...file, '--name', other, '--set', 'rounds=2', '--set', `update.critic.learningRate=${rate}`)
    expect((await retyped('5e-4')).code).toBe(0)
    expect((await retyped('7e-4')).stderr).toContain('update.critic.learningRate differs')
  },
  patience,
)
