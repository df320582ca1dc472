import { createHash } from 'node:crypto'
import { cutBehind, type EngineProcess } from '../engine/index.ts'
import type { AnyRecipe } from '../recipes/registry.ts'
import { range } from '../shared/collections.ts'
import { Stream } from '../shared/random.ts'
import { type Answer, ofTurn, type Question, type Said, type Sampling } from '../shared/recipe.ts'
import type { Texts } from '../shared/texts.ts'
import { endingFor, sample, type SampledPolicy } from './sampling.ts'

/** One hash for the prompts and answer formats that a recipe uses. */
export function templateHash({ templates }: AnyRecipe): string {
  return createHash('sha256').update(templates.join('\n')).digest('hex')
}

/** One prompt, and the seed of each text that is wanted of it. */
export interface Asked {
  prompt: string
  seeds: readonly string[]
}

export interface TurnSampling {
  samples: number
  temperature: number
  maximumNewTokens: number
  ends?: string
}

/** Who answers: so many texts for each prompt, each from its own seed. */
export type Sampler = (asked: readonly Asked[], sampling: TurnSampling) => Promise<Said[][]>

interface Asking {
  questions: readonly Question[]
  sampling: Sampling
  /** Path of the random numbers. */
  place: string
}

/** Samples answers, turn by turn. Which prompts are put together is a function of the questions (and of what was said) alone. */
export async function ask(sampler: Sampler, { questions, sampling, place }: Asking): Promise<Answer[]> {
  const { samples, ends } = sampling
  const sampled = async (turn: number, count: number, asked: Asked[]): Promise<Said[][]> => {
    const { temperature, maximumNewTokens } = sampling
    if (asked.length === 0) return []
    const ofThisTurn = { temperature: ofTurn(temperature, turn), maximumNewTokens: ofTurn(maximumNewTokens, turn) }
    return sampler(asked, { samples: count, ...ofThisTurn, ...(ends === undefined ? {} : { ends }) })
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

/**
 * A policy, sampled by the engine. The uniform behind each token is a function of (seed of the text, position), so texts depend on
 * nothing else.
 */
export const policySampler =
  (engine: EngineProcess, { settings, weights, signal }: SampledPolicy): Sampler =>
  async (asked, { samples, temperature, maximumNewTokens, ends }) => {
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
    const ending = ends === undefined ? {} : { ending: endingFor(settings, ends) }
    const wanted = { prompts, samplesPerPrompt: samples, maximumNewTokens, temperature, uniforms, ...ending }
    const completions = await sample(engine, { settings, weights, signal }, wanted)
    return asked.map(({ prompt }, index) =>
      completions
        .slice(index * samples, (index + 1) * samples)
        .map((tokens) => ({ prompt, text: textOf(texts, tokens, ends), tokens: tokens.length })),
    )
  }

/** The last token of an answer may reach beyond where the answer ends. */
function textOf(texts: Texts, tokens: readonly number[], ends: string | undefined): string {
  const text = texts.decode(tokens)
  return ends === undefined ? text : cutBehind(text, ends)
}

/** The path of the random numbers that sampled an answer; kept with every turn. */
export const seedOf = (place: string, question: Question, sample: number, turn: number): string =>
  `${place}/${question.key}/${sample}${turn === 0 ? '' : `/${turn}`}`

export const tokensOf = (answers: readonly Answer[]): number =>
  answers.reduce((sum, answer) => sum + answer.tokens.reduce((inner, count) => inner + count, 0), 0)
