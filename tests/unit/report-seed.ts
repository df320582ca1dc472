/** A made-up run with every kind of row that the report reads, drawn from counted random numbers. */
import type { Database } from '../../db/client.ts'
import * as tables from '../../db/schema.ts'
import { spcConfig } from '../../recipes/spc/config.ts'
import { range } from '../../shared/collections.ts'
import { type Draws, Stream } from '../../shared/random.ts'
import type { Data } from '../../shared/recipe.ts'
import { errorTypes } from '../../tasks/task.ts'

export const run = 'seeded'
const START = Date.UTC(2026, 0, 5, 9)
const at = (seconds: number): Date => new Date(START + seconds * 1000)

export async function seedRun(database: Database, name = run, rounds = 2): Promise<void> {
  const config: Data = JSON.parse(JSON.stringify(spcConfig.parse({ recipe: 'spc', rounds })))
  const provenance = { sparring: '0.1.0', onnxruntime: '1.30.0', cpu: 'A CPU <of "some" kind>' }
  const shared = { recipe: 'spc', seed: 1, config, provenance, createdAt: at(0) }
  await database.insert(tables.runs).values({ name, ...shared, state: 'running' })
  for (const round of range(0, rounds + 1)) {
    const draws = new Stream('report seed', round).draws()
    const times = { startedAt: at(round * 100), finishedAt: at(round * 100 + 93.5) }
    await database.insert(tables.rounds).values({ run: name, round, config, score: draws.uniform(), ...times })
    await seedPolicies(database, name, round, draws)
    await seedEvaluations(database, name, round, rounds, draws)
    await seedShards(database, name, round, draws)
    if (round > 0) await seedGames(database, name, round, draws)
  }
  await database
    .insert(tables.controlEvents)
    .values({ run: name, kind: 'set', data: { field: 'play.temperature', value: 0.9 }, round: 1, at: at(150) })
}

async function seedPolicies(database: Database, name: string, round: number, draws: Draws): Promise<void> {
  for (const role of ['critic', 'generator']) {
    const buckets = Object.fromEntries(
      (role === 'critic' ? ['winning', 'losing'] : ['invalid', 'detected', 'fooling']).map((bucket) => {
        const available = draws.between(100, 400)
        return [bucket, { available, used: Math.min(available, 256) }]
      }),
    )
    const short = Object.keys(buckets).filter((bucket) => (buckets[bucket]?.used ?? 0) < 256)
    await database.insert(tables.policies).values({
      run: name,
      role,
      version: round,
      round,
      course: role,
      sha256: `${role}${round}`.padEnd(64, '0'),
      bytes: 328e4,
      lesson:
        round === 0
          ? { supervisedRows: 256 }
          : {
              wantedPerBucket: 256,
              buckets,
              shortBuckets: short,
            },
    })
    const names =
      round === 0 ? ['loss', 'gradientNorm', 'tokens'] : ['loss', 'gradientNorm', 'meanRatio', 'clipFraction']
    await database.insert(tables.metrics).values(
      names.flatMap((metric) =>
        range(1, 202).map((step) => {
          const value = draws.uniform() / step
          return { run: name, role, version: round, step, name: metric, value }
        }),
      ),
    )
  }
}

async function seedEvaluations(
  database: Database,
  name: string,
  round: number,
  rounds: number,
  draws: Draws,
): Promise<void> {
  const verdict = (label: string): string | null => {
    const luck = draws.uniform()
    if (luck < 0.03) return null
    return luck < 0.4 - 0.1 * round ? (label === 'Correct' ? 'Incorrect' : 'Correct') : label
  }
  const judge = (suite: string, version: number, item: number, kind: string, label: string) => ({
    run: name,
    suite,
    role: 'critic',
    version,
    item,
    kind,
    label,
    verdict: verdict(label),
    text: '1+1=2=>Correct.',
  })
  const label = (item: number): string => (item % 2 === 0 ? 'Incorrect' : 'Correct')
  await database
    .insert(tables.evaluations)
    .values([
      ...['natural/test', 'natural/validation'].flatMap((suite) =>
        range(0, 90).map((item) => judge(suite, round, item, 'natural', label(item))),
      ),
      ...range(0, 100).map((item) =>
        judge('synthetic/test', round, item, errorTypes[Math.floor(item / 2) % 5] ?? '', label(item)),
      ),
    ])
  const arena = range(0, 40).map((item) => ({ item, wrong: draws.uniform() < 0.7 }))
  await database.insert(tables.items).values(
    arena.map(({ item, wrong }) => ({
      run: name,
      round: 0,
      set: `arena/${round}`,
      item,
      data: {
        label: wrong ? 'Incorrect' : 'Correct',
        kind: wrong ? 'logic' : 'invalid',
      },
    })),
  )
  const shown = arena.filter(({ wrong }) => wrong)
  await database
    .insert(tables.evaluations)
    .values(
      range(0, rounds + 1).flatMap((version) =>
        shown.map(({ item }) => judge(`arena/${round}`, version, item, 'logic', 'Incorrect')),
      ),
    )
}

async function seedShards(database: Database, name: string, round: number, draws: Draws): Promise<void> {
  const phases = ['evaluate natural/test critic@0', 'evaluate natural/validation critic@0', 'update critic', 'validate']
  const rows = phases.flatMap((phase) => range(0, 3).map((shard) => ({ phase, shard })))
  await database.insert(tables.shards).values(
    rows.map((place) => {
      const seconds = draws.uniform() * 9
      const ended = round * 100 + draws.between(10, 90)
      // Storage at both ends; in between an engine now and then, while others compute for other shards.
      const stretch = (from: number, to: number): string =>
        `[${at(ended - seconds * (1 - from)).toISOString()},${at(ended - seconds * (1 - to)).toISOString()})`
      return {
        run: name,
        round,
        ...place,
        tokens: draws.between(0, 9e3),
        rows: 8,
        seconds,
        engineTimes: place.phase === 'validate' ? '{}' : `{${stretch(0.2, 0.4)},${stretch(0.5, 0.9)}}`,
        storageTimes: `{${stretch(0, 0.1)},${stretch(0.9, 1)}}`,
        worker: `worker ${draws.between(0, 1)}`,
        finishedAt: at(ended),
      }
    }),
  )
}

async function seedGames(database: Database, name: string, round: number, draws: Draws): Promise<void> {
  const places = { run: name, round }
  await database.insert(tables.items).values(
    range(0, 50).map((item) => {
      const difficulty = draws.pick(['never', 'medium', 'easy'])
      return {
        ...places,
        set: 'problems',
        item,
        data: { difficulty, kept: difficulty !== 'never' && draws.uniform() < 0.8 },
      }
    }),
  )
  const games: (typeof tables.episodes.$inferInsert)[] = []
  const turns: (typeof tables.turns.$inferInsert)[] = []
  const learned: (typeof tables.consumptions.$inferInsert)[] = []
  for (const episode of range(0, 300)) {
    const [left, right] = [draws.between(2, 40), draws.between(2, 40)]
    const sum = left + right
    const sneaky = draws.pick([
      null,
      `${left}+${right}=${sum}`,
      `${left}+${right}=${sum + draws.between(1, 4)}`,
      `${left + 1}+${right}=${sum + 1}`,
    ])
    const readable = sneaky !== null
    const checks = {
      rightSuccess: readable ? draws.pick([0.5, 0.75, 1]) : 0,
      sneakySuccess: readable ? draws.pick([0, 0, 0.25]) : 0,
      rightIsRight: draws.uniform() < 0.95,
      sneakyIsWrong: readable && sneaky !== `${left}+${right}=${sum}` && draws.uniform() < 0.7,
    }
    const valid =
      readable && sneaky !== `${left}+${right}=${sum}` && checks.rightSuccess >= 0.75 && checks.sneakySuccess === 0
    const told = readable
      ? { sneaky, errorType: draws.pick(errorTypes), explanation: `${sum} > <b>${sum + 1}</b>` }
      : { sneaky: null, errorType: null, explanation: null }
    const outcome = valid ? draws.pick(['detected', 'fooling']) : 'invalid'
    const data: Data = {
      problem: `${left}+${right}-1`,
      solution: '',
      done: [],
      right: `${left}+${right}=${sum}`,
      ...told,
      ...checks,
      valid,
      invalidBecause: valid ? null : draws.pick(['format', 'unchanged', 'the sneaky step does no harm']),
    }
    games.push({ ...places, episode, item: episode % 50, data, outcome })
    const policy = { critic: { role: 'critic', version: 0 }, generator: { role: 'generator', version: round - 1 } }
    const say = (turn: string, by: { role: string; version: number }, verdict: string | null, reward: number) => ({
      ...places,
      episode,
      turn,
      ...by,
      prompt: 'p',
      text: `${left}+${right}=${sum}=>${verdict}.`,
      tokens: 9,
      seed: 's',
      template: 't',
      verdict,
      reward,
    })
    const critiques = ['right', 'sneaky'].flatMap((side) => {
      // Critiques of one step mostly agree, as they do in play.
      const opinion = draws.pick(['Correct', 'Incorrect'])
      return range(0, 2).map((sample) => {
        const verdict = draws.uniform() < 0.3 ? draws.pick(['Correct', 'Incorrect', null]) : opinion
        return say(`criticise/${side}/${sample}`, policy.critic, verdict, draws.pick([-1, 1]))
      })
    })
    turns.push(say('deceive/0', policy.generator, null, outcome === 'fooling' ? 1 : -1), ...(valid ? critiques : []))
    if (valid) {
      const turn = { ...places, episode, turn: 'deceive/0', role: 'generator' }
      learned.push(...range(round, 3).map((version) => ({ ...turn, version })))
    }
  }
  await database.insert(tables.episodes).values(games)
  await database.insert(tables.turns).values(turns)
  await database.insert(tables.consumptions).values(learned)
}
