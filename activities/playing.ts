import { createHash } from 'node:crypto'
import type { EngineProcess, WeightsReference } from '../engine/index.ts'
import type { AnyRecipe } from '../recipes/registry.ts'
import { range } from '../shared/collections.ts'
import { Stream } from '../shared/random.ts'
import { type Answer, ofTurn, type Question, type Said, type Sampling } from '../shared/recipe.ts'
import { sample } from './sampling.ts'
import type { RoundSettings } from './settings.ts'

/** One hash for the prompts and answer formats that a recipe uses. */
export function templateHash({ templates }: AnyRecipe): string {
  return createHash('sha256').update(templates.join('\n')).digest('hex')
}

interface Asked {
  prompt: string
  seeds: readonly string[]
}

interface Asking {
  settings: RoundSettings
  weights: WeightsReference | null
  sampling: Sampling
  /** Aborted when nobody wants the answers any more. */
  signal: AbortSignal
}

/**
 * Samples answers, turn by turn. The batch shape is a function of the questions (and of what was said) alone, and the
 * uniform behind each token one of (seed, place, question, sample, turn, position), so the answers depend on nothing else.
 */
export async function ask(
  engine: EngineProcess,
  { questions, place, ...asking }: Asking & { questions: readonly Question[]; place: string },
): Promise<Answer[]> {
  const { samples } = asking.sampling
  const sampled = async (turn: number, count: number, asked: Asked[]): Promise<Said[][]> => {
    const { temperature, maximumNewTokens } = asking.sampling
    const sampling = { temperature: ofTurn(temperature, turn), maximumNewTokens: ofTurn(maximumNewTokens, turn) }
    return sampleTurn(engine, asking, { samples: count, ...sampling }, asked)
  }
  const opened = questions.map((question) => ({
    prompt: question.prompt,
    seeds: range(0, samples).map((sample) => seedOf(place, question, sample, 0)),
  }))
  const answers = (await sampled(0, samples, opened)).map((said, index) => ({
    question: questions[index]!,
    turns: said.map((turn) => [turn]),
  }))
  for (let turn = 1; ; turn++) {
    const next = answers.flatMap(({ question, turns }) =>
      turns.flatMap((said, sample) => {
        const prompt = said.length === turn ? question.next?.(said.map(({ text }) => text)) : null
        return typeof prompt === 'string' ? [{ said, prompt, seeds: [seedOf(place, question, sample, turn)] }] : []
      }),
    )
    if (next.length === 0) break
    const texts = await sampled(turn, 1, next)
    next.forEach(({ said }, index) => said.push(...(texts[index] ?? [])))
  }
  return answers.map(({ question, turns }) => ({
    question,
    texts: turns.map((said) => said.at(-1)?.text ?? ''),
    tokens: turns.map((said) => said.reduce((sum, { tokens }) => sum + tokens, 0)),
    turns,
  }))
}

/** One turn of many answers: so many texts for each prompt, each with the seed of its random numbers. */
async function sampleTurn(
  engine: EngineProcess,
  { settings, weights, signal }: Asking,
  { samples, temperature, maximumNewTokens }: { samples: number; temperature: number; maximumNewTokens: number },
  asked: readonly Asked[],
): Promise<Said[][]> {
  if (asked.length === 0) return []
  const { texts } = settings
  const prompts = asked.map(({ prompt }) => texts.prompt(prompt))
  const uniforms = new Float32Array(temperature === 0 ? 0 : asked.length * samples * maximumNewTokens)
  if (temperature > 0) {
    asked
      .flatMap(({ seeds }) => seeds)
      .forEach((seed, row) => {
        const stream = new Stream(seed)
        for (let position = 0; position < maximumNewTokens; position++) {
          uniforms[row * maximumNewTokens + position] = stream.uniform(position)
        }
      })
  }
  const wanted = { prompts, samplesPerPrompt: samples, maximumNewTokens, temperature, uniforms }
  const completions = await sample(engine, { settings, weights, signal }, wanted)
  return asked.map(({ prompt }, index) =>
    completions
      .slice(index * samples, (index + 1) * samples)
      .map((tokens) => ({ prompt, text: texts.decode(tokens), tokens: tokens.length })),
  )
}

/** The path of the random numbers that sampled an answer; kept with every turn. */
export const seedOf = (place: string, question: Question, sample: number, turn: number): string =>
  `${place}/${question.key}/${sample}${turn === 0 ? '' : `/${turn}`}`

export const tokensOf = (answers: readonly Answer[]): number =>
  answers.reduce((sum, answer) => sum + answer.tokens.reduce((inner, count) => inner + count, 0), 0)
