/** A program: prints what a model's files say of it, as one JSON object. `node --import tsx engine/describe.ts <folder | file.gguf>` */
import { headSize, llamaLayout, ModelConfigError } from './models/llama.ts'
import { readTokenizer } from './tokenizers/read.ts'
import { createTokenizer } from './tokenizers/tokenizer.ts'
import { TokenizerError } from './tokenizers/tokenizer-file.ts'
import { GgufError } from './weights/gguf.ts'
import { describePretrained } from './weights/pretrained.ts'

async function describe(source: string) {
  const { architecture, model } = await describePretrained(source)
  return {
    source,
    architecture,
    parameters: llamaLayout(model).size,
    layers: model.layers,
    width: model.width,
    hidden: model.hidden,
    heads: model.heads,
    keyValueHeads: model.keyValueHeads,
    headSize: headSize(model),
    vocabulary: model.vocabulary,
    context: model.context,
    tokenizer: await describeTokenizer(source),
  }
}

/** A model without one, or with one of another kind, can still be read. */
async function describeTokenizer(source: string) {
  try {
    const file = await readTokenizer(source)
    const tokenizer = createTokenizer(file)
    return {
      tokens: tokenizer.size,
      chatTemplate: file.chatTemplate !== null,
      stopTokens: tokenizer.stopTokens.map((id) => tokenizer.decode([id])),
    }
  } catch (error) {
    if (error instanceof TokenizerError) return { unreadable: error.message }
    throw error
  }
}

function isOfTheFiles(error: unknown): error is Error {
  const missing = error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'EISDIR')
  return missing || error instanceof ModelConfigError || error instanceof GgufError
}

try {
  console.log(JSON.stringify(await describe(process.argv[2] ?? '')))
} catch (error) {
  if (!isOfTheFiles(error)) throw error
  console.log(JSON.stringify({ unreadable: error.message }))
}
