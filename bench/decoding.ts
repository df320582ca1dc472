/** Logits of a stored sampler's decoding along given texts: its own graph, caches and reading of prompts, one token a call. */
import { booleanFeed, countFeed, type Feed, integerFeed, Session } from '../engine/runtime/session.ts'
import { GroupedCaches } from '../engine/sampling/grouped-caches.ts'
import { Prefill } from '../engine/sampling/prefill.ts'
import type { Precision } from '../engine/sampling/projection.ts'
import { cacheNames, chunkGraph, type StoredModel } from '../engine/sampling/stored-graphs.ts'

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
  const caches = new GroupedCaches(stored.model, rows)
  caches.resize(texts.map(() => capacity))
  const prefill = await Prefill.create(stored, { threads: 1 })
  for (const [place, text] of texts.entries()) {
    const { group, row } = caches.at(place)
    await prefill.read(text.slice(0, prompt - 1), group, row)
  }
  await prefill.close()

  const graph = chunkGraph(stored, { rows, greedy: true, precision, logits: true })
  const session = await Session.create(graph, { threads: 1 })
  const integers = (values: number[], shape: number[]): Feed => integerFeed(Int32Array.from(values), shape)
  const logits = texts.map((): Float32Array[] => [])
  for (let cached = prompt - 1; cached < capacity; cached++) {
    const feeds: Record<string, Feed> = {
      steps: countFeed(1),
      token: integers(
        texts.map((text) => text[cached] ?? 0),
        [rows],
      ),
      cached: integers(
        texts.map(() => cached),
        [rows],
      ),
      stopTokens: integers([-1], [1]),
      stopped: booleanFeed(new Uint8Array(rows), [rows]),
      ...caches.feeds(),
    }
    const outputs = await session.run(feeds)
    const keyValues = cacheNames(layers).map((name) => outputs.floats(`new.${name}`))
    const found = outputs.floats('logits')
    for (const [row, along] of logits.entries()) {
      caches.append(row, cached, keyValues, 1)
      along.push(found.slice(row * vocabulary, (row + 1) * vocabulary))
    }
  }
  await session.release()
  return logits
}
