/** Logits of a stored sampler's decoding along given texts: its own graph, caches and reading of prompts, one token a call. */
import { booleanFeed, type Feed, floatFeed, integerFeed, Session } from '../engine/runtime/session.ts'
import { RowCaches } from '../engine/sampling/key-values.ts'
import { cacheNames, Prefill } from '../engine/sampling/prefill.ts'
import type { Precision } from '../engine/sampling/projection.ts'
import { chunkGraph, type StoredModel } from '../engine/sampling/stored-graphs.ts'

export interface Texts {
  /** All of one length. */
  readonly texts: readonly (readonly number[])[]
  /** Tokens read as a prompt, of which decoding begins with the last one. */
  readonly prompt: number
}

/** [text, token, vocabulary]: what follows each token from the prompt's last one to the last but one of the text. */
export async function logitsAlong(
  stored: StoredModel,
  { texts, prompt }: Texts,
  precision: Precision,
): Promise<Float32Array[][]> {
  const { layers, vocabulary } = stored.model
  const rows = texts.length
  const capacity = (texts[0]?.length ?? 0) - 1
  const caches = new RowCaches(stored.model, rows, capacity)
  const prefill = await Prefill.create(stored, { threads: 1 })
  for (const [row, text] of texts.entries()) await prefill.read(text.slice(0, prompt - 1), caches, row)
  await prefill.close()

  const graph = chunkGraph(stored, { rows, steps: 1, greedy: true, precision, logits: true })
  const session = await Session.create(graph, { threads: 1 })
  const integers = (values: number[], shape: number[]): Feed => integerFeed(Int32Array.from(values), shape)
  const logits = texts.map((): Float32Array[] => [])
  for (let cached = prompt - 1; cached < capacity; cached++) {
    const feeds: Record<string, Feed> = {
      token: integers(
        texts.map((text) => text[cached] ?? 0),
        [rows],
      ),
      cached: integers(
        texts.map(() => cached),
        [rows],
      ),
      columns: integers([...Array(capacity).keys()], [1, capacity]),
      stopTokens: integers([-1], [1]),
      stopped: booleanFeed(new Uint8Array(rows), [rows]),
    }
    const names = cacheNames(layers)
    for (const [index, name] of names.entries()) {
      feeds[name] = floatFeed(caches.arrays[index] ?? new Float32Array(), caches.shape)
    }
    const outputs = await session.run(feeds)
    const keyValues = names.map((name) => outputs.floats(`new.${name}`))
    const found = outputs.floats('logits')
    for (const [row, along] of logits.entries()) {
      caches.write(row, cached, keyValues, row, 1, 1)
      along.push(found.slice(row * vocabulary, (row + 1) * vocabulary))
    }
  }
  await session.release()
  return logits
}
