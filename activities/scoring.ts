import type { EngineProcess, WeightsReference } from '../engine/index.ts'
import { groupBy } from '../shared/collections.ts'
import { type PlayedBy, policyName } from '../shared/ids.ts'
import type { Answer, Question } from '../shared/recipe.ts'
import type { Dependencies } from './dependencies.ts'
import { type RoundSettings, weightsOf } from './settings.ts'

export interface ScoredExample {
  tokens: number[]
  completionFrom: number
  behaviour: PlayedBy
}

/** The most rows of one scoring graph, and of one call: who is told to stop stops after it. */
const SCORE_BATCH = 64
/** The most tokens of one graph, which bound what it keeps of activations. */
const SCORE_TOKENS = 4096
/** Lengths of rows are rounded up to whole multiples of this: each length is a graph of its own. */
const LENGTH = 64

/** Log-probabilities of completion tokens under one policy. The shapes of graphs follow from the rows alone. */
export async function scoreTexts(
  engine: EngineProcess,
  { settings, weights, signal }: { settings: RoundSettings; weights: WeightsReference; signal: AbortSignal },
  rows: readonly { tokens: number[]; completionFrom: number }[],
): Promise<Float32Array[]> {
  const { model, texts, lora } = settings
  const scored: Float32Array[] = []
  const longest = Math.max(...rows.map(({ tokens }) => tokens.length))
  const length = Math.min(model.context, Math.ceil(longest / LENGTH) * LENGTH)
  const batch = Math.max(1, Math.min(SCORE_BATCH, Math.floor(SCORE_TOKENS / length)))
  const call = { weights, model, length, batch, padToken: texts.padToken, ...(lora && { lora }) }
  for (let from = 0; from < rows.length; from += batch) {
    signal.throwIfAborted()
    const part = rows.slice(from, from + batch).map(({ tokens, completionFrom }) => ({ tokens, completionFrom }))
    scored.push(...(await engine.score({ ...call, rows: part })))
  }
  return scored
}

/** How likely each question's candidates are after its prompt: one log-probability per text, summed over its tokens. */
export async function scoreCandidates(
  engine: EngineProcess,
  place: { settings: RoundSettings; weights: WeightsReference; signal: AbortSignal },
  questions: readonly Question[],
): Promise<Answer[]> {
  const language = place.settings.texts
  const answers = questions.map((question) => {
    const prompt = language.prompt(question.prompt)
    const texts = [...(question.candidates ?? [])]
    return { question, texts, prompt, completions: texts.map((text) => language.completion(text)) }
  })
  const rows = answers.flatMap(({ prompt, completions }) =>
    completions.map((tokens) => ({ tokens: [...prompt, ...tokens], completionFrom: prompt.length })),
  )
  const scored = (await scoreTexts(engine, place, rows)).values()
  return answers.map(({ question, texts, completions }) => {
    const logProbabilities = completions.map(() => total(scored.next().value))
    return { question, texts, tokens: completions.map(({ length }) => length), logProbabilities }
  })
}

const total = (values: Float32Array = new Float32Array()): number => values.reduce((sum, value) => sum + value, 0)

/**
 * Log-probabilities of completion tokens under the policy that sampled them (`old`) and under the frozen reference, from
 * the same forward code as training, so that the importance ratio starts at one but for rounding.
 */
export async function logProbabilities(
  dependencies: Dependencies,
  engine: EngineProcess,
  place: { run: string; settings: RoundSettings; reference: PlayedBy | null; signal: AbortSignal },
  examples: ReadonlyMap<string, ScoredExample>,
): Promise<Map<string, { old: Float32Array; reference?: Float32Array }>> {
  const { run, settings, reference, signal } = place
  const score = async (policy: PlayedBy, rows: readonly ScoredExample[]): Promise<Float32Array[]> =>
    scoreTexts(engine, { settings, weights: await weightsOf(dependencies, run, policy), signal }, rows)
  const result = new Map<string, { old: Float32Array; reference?: Float32Array }>()
  for (const entries of groupBy([...examples], ([, { behaviour }]) => policyName(behaviour)).values()) {
    const rows = entries.map(([, example]) => example)
    const behaviour = rows[0]!.behaviour
    const old = await score(behaviour, rows)
    const frozen = reference && policyName(reference) !== policyName(behaviour) ? await score(reference, rows) : old
    entries.forEach(([key], index) => {
      result.set(key, { old: old[index]!, ...(reference ? { reference: frozen[index]! } : {}) })
    })
  }
  return result
}
