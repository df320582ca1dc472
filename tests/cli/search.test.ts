/** `sparring search`: the run that it composes of other runs' policies, and that takes them as they are. */
import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { composeSearch, concludeSearch, readProblems, type Wish } from '../../cli/search.ts'
import { openDatabase, type OpenDatabase } from '../../db/client.ts'
import { publishPolicy, readPolicy } from '../../db/policies.ts'
import { openRound, registerRun } from '../../db/runs.ts'
import { encodeWeights, initialiseLlama, readPretrained, storeWeights } from '../../engine/index.ts'
import { DirectWorker, smallConfig } from '../support/activities.ts'
import { artefactsOf, openPlace } from '../support/run.ts'
import { otherSmallRuns, smallRun } from '../support/small-run.ts'
import { root, sparring } from './support.ts'

const published = path.join(root, 'tests', 'support', 'text-model')
const file = path.join(published, 'problems.jsonl')
const adapter = { rank: 4, alpha: 8 }

let place: Awaited<ReturnType<typeof openPlace>>
let open: OpenDatabase
let worker: DirectWorker
beforeAll(async () => {
  place = await openPlace({ temporalAddress: inject('temporalAddress'), databaseUrl: inject('databaseUrl') })
  open = await openDatabase(place.databaseUrl)
  worker = new DirectWorker(place, open)
  const given = { ...otherSmallRuns['spc-text'] }
  for (const [run, form] of [
    ['words', adapter],
    ['wide', { rank: 8, alpha: 8 }],
  ] as const) {
    await begin(run, { ...given, critique: 'blind', model: { from: published, context: 256, adapter: form } })
    await worker.attempt(({ adoptModel }) => adoptModel({ run }))
  }
  const { model } = await readPretrained(published)
  const stored = await storeWeights(artefactsOf(place), encodeWeights(model, initialiseLlama(model, 'any')))
  const { sha256, bytes } = stored
  const of = (run: string, role: string, version: number) =>
    open.database.transaction((transaction) =>
      publishPolicy(transaction, { run, role, version, round: version, course: role, sha256, bytes, lesson: {} }, []),
    )
  await of('words', 'solver', 0)
  await of('words', 'critic', 0)
  await of('words', 'critic', 1)
  await of('wide', 'critic', 0)
  await begin('sums', smallRun)
  await of('sums', 'critic', 0)
})
afterAll(async () => {
  await worker.close()
  await open.close()
  await place.close()
})

async function begin(name: string, given: object): Promise<void> {
  const config = smallConfig(given)
  await registerRun(open.database, { name, config, provenance: {} })
  await openRound(open.database, name, 0, config)
}

const wish = (solver: string, critic: string, greedyFirst = false): Wish => ({
  solver,
  critic,
  problems: readProblems('gsm8k', file, 9),
  seed: 3,
  search: { chains: 2, attempts: 4, greedyFirst },
})
const compose = (solver: string, critic: string) => composeSearch(open, wish(solver, critic))

describe('the run', () => {
  test('is of the policies and their model, with room for more than they were trained with', async () => {
    const { config } = await compose('words/solver', 'words/critic')
    expect(config).toMatchObject({
      recipe: 'search-text',
      seed: 3,
      rounds: 0,
      shard: 5,
      model: { from: published, context: 640, adapter },
      problems: { file, form: 'gsm8k' },
      critique: 'blind',
      players: {
        solver: { run: 'words', role: 'solver', version: 0 },
        critic: { run: 'words', role: 'critic', version: 1 },
      },
      search: { problems: 9, chains: 2, attempts: 4, votes: 12, judged: 6, temperature: 0.7, fallback: 'last' },
    })
  })

  test('names nobody where the model itself plays, and begins greedily where it is asked to', async () => {
    const base = { players: { solver: null, critic: { version: 0 } } }
    expect((await compose('words/base', 'words/critic@0')).config).toMatchObject(base)
    expect((await compose(published, 'words/critic@0')).config).toMatchObject(base)
    const { config } = await composeSearch(open, wish('words/solver', 'words/base', true))
    expect(config).toMatchObject({ players: { critic: null }, search: { firstTemperature: 0, fallback: 'first' } })
  })

  test.each([
    ['wide/critic', 'words/critic', /no players over one model/],
    [path.dirname(published), 'words/critic', /no players over one model/],
    ['words/solver', 'sums/critic', /run sums \(spc\) has a language of its own/],
    ['words/solver', 'words/critic@7', /no policy critic@7/],
    ['words/actor', 'words/critic', /no policies of the role actor/],
    ['nobody', 'words/critic', /"nobody" is no policy/],
  ])('%s with %s is refused', async (solver, critic, message) => {
    await expect(compose(solver, critic)).rejects.toThrow(message)
  })

  test('publishes the policies by the very files of theirs', async () => {
    const { config } = await compose('words/solver', 'words/critic')
    await begin('search', config)
    await worker.attempt(({ adoptModel }) => adoptModel({ run: 'search' }))
    const update = { run: 'search', round: 0, version: 0 }
    await worker.attempt((activities) => activities.update({ ...update, role: 'critic', course: 'critic' }))
    const { sha256 } = await readPolicy(open.database, 'words', { role: 'critic', version: 1 })
    expect(await readPolicy(open.database, 'search', { role: 'critic', version: 0 })).toMatchObject({ sha256 })
  })

  test('does not take a policy over another base, or of another adapter', async () => {
    const { config } = await compose('words/solver', 'words/critic')
    const players = { solver: null, critic: { run: 'wide', role: 'critic', version: 0 } }
    await begin('mixed', { ...config, players })
    await worker.attempt(({ adoptModel }) => adoptModel({ run: 'mixed' }))
    const update = { run: 'mixed', round: 0, version: 0, role: 'critic', course: 'critic' }
    await expect(worker.attempt((activities) => activities.update(update))).rejects.toMatchObject({
      message: expect.stringMatching(/critic@0 of run wide has another model than this run/),
      nonRetryable: true,
    })
  })

  test('does not take a critic that judges in another way than the run asks it to', async () => {
    const { config } = await compose('words/solver', 'words/critic')
    await begin('words-seen', { ...config, critique: 'seen' })
    await worker.attempt(({ adoptModel }) => adoptModel({ run: 'words-seen' }))
    const update = { run: 'words-seen', round: 0, version: 0 }
    await expect(
      worker.attempt((activities) => activities.update({ ...update, role: 'critic', course: 'critic' })),
    ).rejects.toMatchObject({
      message: expect.stringMatching(/critique: "seen", but critic@1 of run words was trained with "blind"/),
      nonRetryable: true,
    })
    // How the critic judges is nothing to the solver.
    await worker.attempt((activities) => activities.update({ ...update, role: 'solver', course: 'solver' }))
  })
})

describe('the problems', () => {
  const write = (name: string, ...lines: object[]): string => {
    const written = path.join(place.home, name)
    fs.writeFileSync(written, lines.map((line) => JSON.stringify(line)).join('\n'))
    return written
  }
  test('of easy-math are of either form', () => {
    const svamp = write('svamp.jsonl', { Body: 'Tom has 2.', Question: 'How many?', Answer: 2 })
    const mawps = write('addsub.jsonl', { input: 'How many?', target: 2 }, { input: 'And now?', target: 3 })
    expect(readProblems('easy-math', svamp, 5)).toEqual({ file: svamp, form: 'svamp', count: 1 })
    expect(readProblems('easy-math', mawps, 5)).toEqual({ file: mawps, form: 'mawps', count: 2 })
    expect(readProblems('mawps', mawps, 1).count).toBe(1)
    expect(() => readProblems('svamp', mawps, 1)).toThrow(/addsub.jsonl, line 1/)
    expect(() => readProblems('gsm8k', write('empty.jsonl'), 1)).toThrow(/no problems/)
  })
})

test('what it came to is told of every way, with its interval and what it cost', () => {
  const numbers = {
    problems: 10,
    chains: 5,
    guided: 0.52,
    guided_majority: 0.6,
    tokens: 30,
    critic_tokens: 12,
    short: 0.2,
    gain: 0.065,
    gain_half: 0.082,
    majority_gain: -0.1,
    majority_gain_half: null,
    gain_greedy: -1e-17,
    majority_gain_greedy: 0.12,
  }
  const snapshot = { run: 'search-gsm8k', report: null, per_round: [{ numbers }] }
  const { lines, numbers: json } = concludeSearch(snapshot)
  expect(lines.join('\n')).toMatch(/^guided +52\.0 +23\.7 to 76\.3 +30$/m)
  expect(lines.join('\n')).toMatch(/^guided, majority of 5 +60\.0 +31\.3 to 83\.2 +150$/m)
  expect(lines.join('\n')).toMatch(/^as many tokens of votes +\+6\.5 ± 8\.2 +−10\.0$/m)
  expect(lines.join('\n')).toMatch(/^greedy +\+0\.0 +\+12\.0$/m)
  expect(lines.join('\n')).toContain('For 20.0 % of the problems the plain chains ran out')
  expect(json['ways']).toContainEqual(expect.objectContaining({ way: 'guided', accuracy: 0.52, tokens: 30 }))
})

test('an unknown run is named, and nothing is launched', async () => {
  const env = {
    SPARRING_HOME: place.home,
    DATABASE_URL: place.databaseUrl,
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    TEMPORAL_NAMESPACE: inject('temporalNamespace'),
  }
  const args = ['search', '--solver', 'words/solver', '--policy', 'wrods/critic', '--suite', 'gsm8k', '--data', file]
  const { code, stdout } = await sparring([...args, '--json'], env)
  expect(code).toBe(2)
  expect(JSON.parse(stdout)).toEqual({ error: 'there is no run wrods', remedy: expect.stringContaining('words') })
})
