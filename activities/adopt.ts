import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { publishPolicy } from '../db/policies.ts'
import { readRound } from '../db/runs.ts'
import { commitShard, importSet, isShardDone } from '../db/shards.ts'
import { createTokenizer, readTokenizer, storeFile } from '../engine/index.ts'
import { parseConfig } from '../recipes/registry.ts'
import { groupBy } from '../shared/collections.ts'
import { UserError } from '../shared/errors.ts'
import { ADOPTED, isAdopted } from '../shared/models.ts'
import type { Dependencies } from './dependencies.ts'
import type { Attempt } from './running.ts'
import { describeAdopted } from './settings.ts'

/**
 * Takes the published model of the run file into the run: its weights in float32 and its tokenizer become files under their
 * hashes, so that the run goes on where the model's folder is changed or gone.
 */
export async function adoptModel(
  { database, engines, artefacts, worker }: Dependencies,
  { run }: { run: string },
  attempt: Attempt,
): Promise<void> {
  const { times } = attempt
  const place = { run, round: 0, phase: 'adopt model', shard: 0 }
  if (await times.storing(isShardDone(database, place))) return
  const { config } = parseConfig((await readRound(database, run, 0)).config, `run ${run}`)
  if (!isAdopted(config.model)) throw new Error(`run ${run} adopts no model`)
  const { from: source, context } = config.model
  const tokenizer = await readTokenizer(source)
  const stored = await times.storing(storeFile(artefacts, Buffer.from(JSON.stringify(tokenizer)), 'json'))
  const { file, ...form } = await engines.use({ ...attempt, device: config.device }, (engine) =>
    engine.adoptModel({ source, context, directory: artefacts }),
  )
  if (form.context < context) {
    throw new UserError(`model.context: ${source} reads ${form.context} tokens, not ${context}`, 'lower model.context')
  }
  const { size } = createTokenizer(tokenizer)
  if (size > form.model.vocabulary) {
    throw new UserError(
      `${source}: its tokenizer has ${size} tokens, its weights know ${form.model.vocabulary}`,
      'take the tokenizer that belongs to the weights',
    )
  }
  const policy = { run, ...ADOPTED, round: 0, course: 'adopt model', sha256: file.sha256, bytes: file.bytes }
  const lesson = describeAdopted(source, form, stored.sha256)
  const cost = { tokens: 0, rows: 0, worker, spent: () => times.spent() }
  await times.storing(
    commitShard(database, place, cost, (transaction) => publishPolicy(transaction, { ...policy, lesson }, [])),
  )
}

/** Reads the files that the configuration names into item sets of round 0, with what was read: the set `files`. */
export async function importFiles({ database }: Dependencies, { run }: { run: string }): Promise<void> {
  const { recipe, config } = parseConfig((await readRound(database, run, 0)).config, `run ${run}`)
  const read = await Promise.all(
    recipe.files(config).map(async ({ set, field, file, read: lines }) => {
      const bytes = await readFile(file).catch((cause: unknown) => {
        const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
        throw new UserError(`${field}: ${file} cannot be read (${code})`, `name the file that the ${set} are in`)
      })
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      return { set, file, sha256, lines: lines(bytes.toString('utf8'), file) }
    }),
  )
  for (const [set, parts] of groupBy(read, (file) => file.set)) {
    const lines = parts.flatMap((part) => part.lines)
    await importSet(database, run, set, lines)
  }
  await importSet(
    database,
    run,
    'files',
    read.map(({ lines, ...about }) => ({ ...about, lines: lines.length })),
  )
}
