/** `sparring export`, of a run whose policies are put there without playing. */
import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { z } from 'zod'
import { openDatabase, type OpenDatabase } from '../../db/client.ts'
import { publishPolicy, readPolicy } from '../../db/policies.ts'
import { openRound, registerRun } from '../../db/runs.ts'
import {
  encodeWeights,
  initialiseLlama,
  initialiseLora,
  loraLayout,
  mergeLora,
  readAdapter,
  readPretrained,
  readTokenizer,
  storeWeights,
  writeSafetensors,
} from '../../engine/index.ts'
import { findPolicy } from '../../cli/policy.ts'
import { parseConfig } from '../../recipes/registry.ts'
import { ownForm } from '../../shared/model-form.ts'
import { ADOPTED, isAdopted } from '../../shared/models.ts'
import type { BaseConfig, Data } from '../../shared/recipe.ts'
import { DirectWorker } from '../support/activities.ts'
import { artefactsOf, openPlace } from '../support/run.ts'
import { otherSmallRuns, smallRun } from '../support/small-run.ts'
import { root, sparring, type Ended } from './support.ts'

const published = path.join(root, 'tests', 'support', 'text-model')
const spec = { rank: 4, alpha: 8 }
const [words, whole, none] = ['words', 'whole', 'none']
/** Runs whose models are their own; they read numbers in different ways. */
const own: Record<string, object> = {
  own: smallRun,
  digits: {
    ...smallRun,
    task: { name: 'multistep-arithmetic' },
    critique: 'blind',
    model: { ...smallRun.model, context: 296 },
  },
}

let place: Awaited<ReturnType<typeof openPlace>>
let open: OpenDatabase
let out: string
beforeAll(async () => {
  place = await openPlace({ temporalAddress: inject('temporalAddress'), databaseUrl: inject('databaseUrl') })
  out = path.join(place.home, 'out')
  fs.mkdirSync(out)
  open = await openDatabase(place.databaseUrl)
  const worker = new DirectWorker(place, open)
  for (const [run, adapter] of [
    [words, spec],
    [whole, null],
  ] as const) {
    const model = { from: published, context: 256, adapter }
    await begin(run, { ...otherSmallRuns['spc-text'], model })
    await worker.attempt((activities) => activities.adoptModel({ run }))
  }
  await worker.close()
  const { model } = await readPretrained(published)
  const { parameters } = loraLayout(model, spec)
  const tensors = parameters.map(({ name, shape, offset, size }) => {
    return { name, shape, data: adapter().subarray(offset, offset + size) }
  })
  await publish(words, 1, writeSafetensors(tensors))
  await publish(whole, 0, encodeWeights(model, initialiseLlama(model, 'whole')))
  await begin(none, smallRun)
  for (const [run, given] of Object.entries(own)) {
    await begin(run, given)
    await publish(run, 0, encodeWeights(ownModel(given), initialiseLlama(ownModel(given), run)))
  }
})
afterAll(async () => {
  await open.close()
  await place.close()
})

async function begin(name: string, given: object): Promise<void> {
  const config: BaseConfig & Data = JSON.parse(JSON.stringify(parseConfig(given, name).config))
  await registerRun(open.database, { name, config, provenance: {} })
  await openRound(open.database, name, 0, config)
}

async function publish(run: string, version: number, bytes: Uint8Array): Promise<void> {
  const { path: _, ...file } = await storeWeights(artefactsOf(place), bytes)
  const policy = { run, role: 'critic', version, round: version, course: 'test', ...file, lesson: {} }
  await open.database.transaction((transaction) => publishPolicy(transaction, policy, []))
}

/** With a B that is not zero. */
function adapter(): Float32Array {
  return initialiseLora(MODEL, spec, 'critic').map((weight, index) => weight || ((index % 7) - 3) / 50)
}
const { model: MODEL, weights: BASE } = await readPretrained(published)

function ownModel(given: object) {
  const { recipe, config } = parseConfig(given, 'a run of its own')
  const vocabulary = recipe.vocabulary(config)
  if (vocabulary === null || isAdopted(config.model)) throw new Error('the run has a model of its own')
  return ownForm(config.model, vocabulary)
}

const ask = (...args: string[]): Promise<Ended> =>
  sparring(['export', ...args], {
    SPARRING_HOME: place.home,
    DATABASE_URL: place.databaseUrl,
    TEMPORAL_ADDRESS: place.temporalAddress,
  })

const answer = z.object({
  policy: z.string(),
  folder: z.string(),
  files: z.array(z.string()),
  bytes: z.int(),
  kind: z.string(),
})

async function written(policy: string, ...more: string[]) {
  const folder = path.join(out, randomUUID())
  const { code, stdout, stderr } = await ask('--policy', policy, '--to', folder, '--json', ...more)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const said = answer.parse(JSON.parse(stdout))
  const bytes = said.files.reduce((sum, file) => sum + fs.statSync(path.join(folder, file)).size, 0)
  expect(said).toMatchObject({ folder, bytes, files: fs.readdirSync(folder).sort() })
  return said
}

const modelFiles = ['config.json', 'generation_config.json', 'model.safetensors', 'tokenizer.json']
const wholeFolder = [...modelFiles, 'tokenizer_config.json']

describe('an adapter', () => {
  test('becomes a folder of PEFT over the model that it was trained over', async () => {
    const said = await written(`${words}/critic`)
    expect(said).toMatchObject({
      policy: `${words}/critic@1`,
      kind: 'adapter',
      files: ['adapter_config.json', 'adapter_model.safetensors'],
    })
    const found = await readAdapter(said.folder, MODEL)
    expect(found.weights).toEqual(adapter())
    expect(found.spec).toMatchObject(spec)
    const config: unknown = JSON.parse(fs.readFileSync(path.join(said.folder, 'adapter_config.json'), 'utf8'))
    expect(config).toMatchObject({ base_model_name_or_path: published })
  })

  test('merged becomes a whole model with its tokenizer', async () => {
    const said = await written(`${words}/critic@1`, '--merged')
    expect(said).toMatchObject({ kind: 'merged model', files: wholeFolder })
    const { model, weights } = await readPretrained(said.folder)
    expect(model).toEqual(MODEL)
    expect(weights).toEqual(mergeLora(MODEL, spec, { base: BASE, adapter: adapter() }))
    expect(await readTokenizer(said.folder)).toEqual(await readTokenizer(published))
  })
})

describe('a whole model', () => {
  test('is the adopted one as it was published, with all of its context', async () => {
    const said = await written(`${words}/base@0`)
    expect(said).toMatchObject({ kind: 'model', files: wholeFolder })
    expect(await readPretrained(said.folder)).toEqual({ model: MODEL, weights: BASE })
    expect(MODEL.context).toBeGreaterThan(256)
  })

  test('or one that began as it', async () => {
    const said = await written(`${whole}/critic`)
    expect(said).toMatchObject({ policy: `${whole}/critic@0`, kind: 'model', files: wholeFolder })
    expect(await readPretrained(said.folder)).toEqual({ model: MODEL, weights: initialiseLlama(MODEL, 'whole') })
  })

  test.each([
    ['own', 'a number is one token or cannot be written'],
    ['digits', 'the digits of a number stand in reverse order'],
  ])('or one of the run %s itself, whose folder says how its vocabulary is read: %s', async (run, numbers) => {
    const given = own[run]!
    const said = await written(`${run}/critic@0`)
    expect(said).toMatchObject({ kind: 'model' })
    expect(said.files).toEqual(['README.md', 'config.json', 'model.safetensors', 'vocabulary.json'])
    const model = ownModel(given)
    expect(await readPretrained(said.folder)).toEqual({ model, weights: initialiseLlama(model, run) })
    const file = path.join(said.folder, 'vocabulary.json')
    const tokens = z.array(z.string()).parse(JSON.parse(fs.readFileSync(file, 'utf8')))
    expect(tokens).toHaveLength(model.vocabulary)
    const readme = fs.readFileSync(path.join(said.folder, 'README.md'), 'utf8')
    expect(readme).toMatch(/vocabulary\.json` is not a tokenizer of transformers/)
    expect(readme).toContain(numbers)
    expect(readme).toContain(`(token ${tokens.indexOf(parseConfig(given, run).recipe.stop)})`)
  })
})

describe('it is refused', () => {
  test.each([
    ['nonsense', /"nonsense" is no policy/, /<run>\/<role>/],
    ['word/critic', /no run word/, /did you mean words/],
    [`${words}/critik`, /no policies of the role critik/, /did you mean critic\? It has base, critic/],
    [`${words}/critic@7`, /no policy critic@7/, /sparring status words/],
    [`${none}/critic`, /no policies of the role critic/, /none yet/],
  ])('where %s names no policy', async (policy, message, remedy) => {
    await expect(findPolicy(open, policy)).rejects.toMatchObject({
      message: expect.stringMatching(message),
      remedy: expect.stringMatching(remedy),
    })
  })

  test('to merge a whole model', async () => {
    const { code, stderr } = await ask('--policy', `${words}/base@0`, '--to', path.join(out, 'refused'), '--merged')
    expect(stderr).toMatch(/base@0 of run words is a whole model.*\n.*leave --merged out/)
    expect(code).toBe(2)
  })

  test('as a whole model where no config.json says its positions', async () => {
    const given = { ...otherSmallRuns['spc-text'], model: { from: published, context: 256, adapter: spec } }
    await begin('stretched', given)
    const { lesson, publishedAt: _, ...base } = await readPolicy(open.database, words, ADOPTED)
    const divisors = [1, 2, 1, 2, 1, 2, 1, 2]
    const model = { ...MODEL, ropeScaling: { divisors } }
    const policy = { ...base, run: 'stretched', lesson: { ...lesson, model } }
    await open.database.transaction((transaction) => publishPolicy(transaction, policy, []))
    const { code, stderr } = await ask('--policy', 'stretched/base', '--to', path.join(out, 'refused'))
    expect(stderr).toMatch(/stretched positions of this model \(ropeScaling\).*\n.*its weights, under the names/)
    expect(code).toBe(2)
  })

  test('into a folder that holds something, and a file; an empty folder is filled', async () => {
    const folder = path.join(out, 'full')
    fs.mkdirSync(folder)
    expect(await ask('--policy', `${words}/critic`, '--to', folder)).toMatchObject({ code: 0 })
    const { code, stderr } = await ask('--policy', `${words}/base`, '--to', folder)
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringMatching(/full is not empty\n.*--to/) })
    expect(fs.readdirSync(folder)).toEqual(['adapter_config.json', 'adapter_model.safetensors'])
    const file = path.join(folder, 'adapter_config.json')
    expect(await ask('--policy', `${words}/base`, '--to', file)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/adapter_config\.json cannot be written/),
    })
  })

  test.each([
    ['missing', (file: string) => fs.renameSync(file, `${file}.away`), /there is no weights file/],
    ['damaged', (file: string) => fs.appendFileSync(file, 'x'), /has sha256 .*, expected/],
  ])('with weights that are %s, and leaves nothing behind', async (what, harm, message) => {
    const { sha256 } = await readPolicy(open.database, words, ADOPTED)
    const file = path.join(artefactsOf(place), `${sha256}.safetensors`)
    const bytes = fs.readFileSync(file)
    harm(file)
    const folder = path.join(out, what, 'inside')
    const { code, stderr } = await ask('--policy', `${words}/critic`, '--to', folder, '--merged')
    fs.writeFileSync(file, bytes)
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(/put the file back there, or play the run again/)
    expect(code).toBe(2)
    expect(fs.readdirSync(out).filter((name) => name === what || name.includes('partial'))).toEqual([])
  })
})
