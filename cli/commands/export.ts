/** `export`: a policy's weights as a folder that others load. */
import { randomUUID } from 'node:crypto'
import fs from 'node:fs/promises'
import path from 'node:path'
import type { Command } from 'commander'
import { z } from 'zod'
import { readPolicy } from '../../db/policies.ts'
import { messageOf, UserError } from '../../shared/errors.ts'
import { policyName } from '../../shared/ids.ts'
import { adopted, ownForm } from '../../shared/model-form.ts'
import { ADOPTED, isAdopted } from '../../shared/models.ts'
import type { Vocabulary } from '../../shared/vocabulary.ts'
import { askEngine } from '../engine-program.ts'
import { findPolicy, type NamedPolicy } from '../policy.ts'
import { hasCode } from '../services/processes.ts'
import { type Session, withSession } from '../session.ts'
import { note, say, sayJson } from '../terminal.ts'

interface Options {
  policy: string
  to: string
  merged?: boolean
  json?: boolean
}

export function addExport(program: Command): void {
  program
    .command('export')
    .description("write a policy's weights as a folder that transformers, PEFT and others load")
    .requiredOption(
      '--policy <run/role[@round]>',
      'e.g. words/critic (its newest version), words/critic@1 or words/base@0',
    )
    .requiredOption('--to <folder>', 'a new or an empty folder')
    .option('--merged', 'of an adapter: the whole model with the adapter added to its weights')
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      `
An adapter becomes a folder of PEFT; a whole model a folder of Hugging Face in float32, with its tokenizer. A model that was trained in
the run itself has a vocabulary of its own, which no tokenizer of transformers reads: the folder says how it is read.

Examples:
  sparring export --policy words/critic --to critic-adapter
  sparring export --policy words/critic@2 --to critic --merged
  sparring export --policy words/base@0 --to base --json
  sparring export --policy spc/critic --to spc-critic`,
    )
    .action(async (options: Options) => {
      await withSession('sparring export', (session) => exportPolicy(session, options))
    })
}

async function exportPolicy(session: Session, { policy: text, to, merged = false, json }: Options): Promise<void> {
  const named = await findPolicy(session, text)
  const artefacts = path.join(session.services.home, 'artefacts')
  const { kind, request, vocabulary } = await contentOf(session, named, { artefacts, merged })
  const folder = path.resolve(to)
  await requireEmpty(folder)
  note(`writing ${folder}`)
  await replacing(session, folder, async (temporary, signal) => {
    const { refused } = await askEngine('export', {
      argument: JSON.stringify({ folder: temporary, ...request }),
      answer: z.strictObject({ refused: z.string().optional() }),
      remedy: `weights and tokenizers of runs lie in ${artefacts}: put the file back there, or play the run again`,
      signal,
    })
    if (refused !== undefined) {
      const names = 'under the names that Hugging Face gives them'
      throw new UserError(
        refused,
        merged ? 'export the adapter, without --merged' : `its weights, ${names}, are ${request.weights.path}`,
      )
    }
    if (vocabulary) await writeVocabulary(temporary, vocabulary, named.recipe.stop)
  })
  const files = (await fs.readdir(folder)).sort()
  const sizes = await Promise.all(files.map(async (file) => (await fs.stat(path.join(folder, file))).size))
  const bytes = sizes.reduce((sum, size) => sum + size, 0)
  const policy = `${named.run}/${policyName(named.policy)}`
  if (json) return sayJson({ policy, folder, files, bytes, kind })
  say(`${policy}: ${kind}, ${(bytes / 1e6).toFixed(1)} MB in ${folder}`)
  for (const file of files) say(`  ${file}`)
}

interface Content {
  kind: 'adapter' | 'merged model' | 'model'
  /** What engine/export.ts takes, but for the folder. */
  request: Record<string, unknown> & { weights: { path: string; sha256: string } }
  /** Of a model that was trained in the run. */
  vocabulary: Vocabulary | null
}

async function contentOf(
  { database }: Session,
  { run, recipe, config, policy, row }: NamedPolicy,
  { artefacts, merged }: { artefacts: string; merged: boolean },
): Promise<Content> {
  const stored = (sha256: string, extension = 'safetensors') => ({
    path: path.join(artefacts, `${sha256}.${extension}`),
    sha256,
  })
  const { model } = config
  const weights = stored(row.sha256)
  const adapter = isAdopted(model) && policyName(policy) !== policyName(ADOPTED) ? model.adapter : null
  if (merged && adapter === null) {
    throw new UserError(
      `${policyName(policy)} of run ${run} is a whole model, with no adapter to merge`,
      'leave --merged out',
    )
  }
  if (!isAdopted(model)) {
    const vocabulary = recipe.vocabulary(config)
    if (vocabulary === null) throw new Error(`recipe ${recipe.name} has no vocabulary for a model of its own`)
    const request = { model: ownForm(model, vocabulary), weights, adapter: null, tokenizer: null }
    return { kind: 'model', request, vocabulary }
  }
  const base = await readPolicy(database, run, ADOPTED)
  const { source, tokenizer, context, model: form } = adopted.parse(base.lesson)
  const over = merged ? null : source
  const request = {
    // What a run leaves out of the context is there all the same: the weights do not know of it.
    model: { ...form, context: context ?? form.context },
    weights,
    adapter: adapter && { ...adapter, base: stored(base.sha256), over },
    tokenizer: stored(tokenizer, 'json'),
  }
  return { kind: adapter === null ? 'model' : merged ? 'merged model' : 'adapter', request, vocabulary: null }
}

const remedy = 'name a new or an empty folder with --to'

async function requireEmpty(folder: string): Promise<void> {
  try {
    if ((await fs.readdir(folder)).length === 0) return
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return
    throw new UserError(`${folder} cannot be written: ${messageOf(error)}`, remedy)
  }
  throw new UserError(`${folder} is not empty`, remedy)
}

/** All or nothing: what is written near the folder takes its place when it is whole, and is removed when anything fails. */
async function replacing(
  session: Session,
  folder: string,
  write: (temporary: string, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const temporary = path.join(await nearest(path.dirname(folder)), `.${path.basename(folder)}.${randomUUID()}.partial`)
  await fs.mkdir(temporary).catch((error: unknown) => {
    throw new UserError(`${folder} cannot be written: ${messageOf(error)}`, remedy)
  })
  const interrupted = new AbortController()
  const placed = write(temporary, interrupted.signal).then(() => place(temporary, folder))
  session.defer(async () => {
    interrupted.abort()
    await placed.catch(() => undefined)
    await fs.rm(temporary, { recursive: true, force: true })
  })
  await placed
}

async function place(temporary: string, folder: string): Promise<void> {
  try {
    await fs.mkdir(path.dirname(folder), { recursive: true })
    await fs.rename(temporary, folder)
  } catch (error) {
    if (!hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw error
    throw new UserError(`${folder} is not empty any more`, remedy)
  }
}

/** The folder itself, or the first above it that is there. */
async function nearest(folder: string): Promise<string> {
  const found = await fs.access(folder).then(
    () => true,
    () => false,
  )
  return found ? folder : nearest(path.dirname(folder))
}

async function writeVocabulary(folder: string, vocabulary: Vocabulary, stop: string): Promise<void> {
  await fs.writeFile(path.join(folder, 'vocabulary.json'), `${JSON.stringify(vocabulary.tokens, null, 2)}\n`)
  const numbers = {
    whole: 'a number is one token or cannot be written',
    'by digits': 'the digits of a number stand in reverse order, the lowest first',
  }
  const readme = `# A model trained by Sparring

\`config.json\` and \`model.safetensors\` load with \`AutoModelForCausalLM\`. \`vocabulary.json\` is not a tokenizer of transformers: it lists the
model's ${vocabulary.size} tokens, and a token's id is its place in the list, from 0. A text is cut from left to right into the longest tokens that
it begins with; spaces are left out, and ${numbers[vocabulary.numbers]}. Token 0 is padding, and
\`${stop}\` (token ${vocabulary.id(stop)}) ends what the model says.
`
  await fs.writeFile(path.join(folder, 'README.md'), readme)
}
