import { errorTypes, type ErrorType } from '../../tasks/task.ts'
import { Vocabulary } from '../../shared/vocabulary.ts'
import type { Task } from '../../tasks/task.ts'

/**
 * What the players are asked and how their answers are read. The paper's prompts are pages of English for a 7B model;
 * these are the same fields in the same order in the words of a tiny one:
 *
 *   solver     37+48-9*3:                          9*3=27;37+48=85;85-27=58.
 *   generator  37+48-9*3:9*3=27;37+48=85#          calculation!85>83:37+48=83.
 *   critic     37+48-9*3:9*3=27;37+48=83?          37+48=85=>Incorrect.
 *     blind    37+48-9*3:9*3=27;                   37+48=85
 *              37+48-9*3:9*3=27;37+48=85>37+48=83? =>Incorrect.
 *     values   :+000085>+000083?                   =>Incorrect.   (of tasks whose steps claim a value)
 *
 * The generator names one of the five error types, explains what it replaces by what, then writes the wrong step (paper,
 * Figure 7). The critic works the step out itself before its verdict (Figure 8): the recomputed step and the judged one
 * stand at a fixed distance, which is what a tiny model needs to compare them. critique.ts says what blind and values mean.
 */
export const stop = '.'
export const verdicts = ['Correct', 'Incorrect'] as const
export type Verdict = (typeof verdicts)[number]

export const verdictMarks: Record<Verdict, string> = { Correct: '=>Correct', Incorrect: '=>Incorrect' }
const errorMarks = errorTypes.map((type) => `${type}!`)

export function spcVocabulary(task: Task): Vocabulary {
  const marks = [':', '#', '?', '>', stop, ...errorMarks, ...Object.values(verdictMarks)]
  return new Vocabulary([...task.vocabulary, ...marks], { numbers: task.numbers })
}

/** `problem:step;step;` - what stands before the next step. */
export function opening(problem: string, done: readonly string[]): string {
  return `${problem}:${done.map((step) => `${step};`).join('')}`
}

export const solverPrompt = (problem: string): string => opening(problem, [])
export const solverCompletion = (steps: readonly string[]): string => `${steps.join(';')}${stop}`
/** Where the solver goes on after a step: it says itself whether the step was the last. */
export const rolloutPrompt = (problem: string, done: readonly string[], step: string): string =>
  `${opening(problem, done)}${step}`

export const generatorPrompt = (problem: string, done: readonly string[], right: string): string =>
  `${opening(problem, done)}${right}#`
export const generatorCompletion = (deception: Deception): string =>
  `${deception.type}!${deception.from}>${deception.to}:${deception.step}${stop}`

export const criticPrompt = (problem: string, done: readonly string[], step: string): string =>
  `${opening(problem, done)}${step}?`
export const criticCompletion = (recomputed: string, verdict: Verdict): string =>
  `${recomputed}${verdictMarks[verdict]}${stop}`

/** Behind what comes before a step: the step as the critic wrote it itself, and the judged one. */
export const verdictPrompt = (problem: string, done: readonly string[], own: string, step: string): string =>
  `${opening(problem, done)}${own}>${step}?`

/** The critic's own step and the judged one of such a prompt, as they stand in it; null for another. */
export function stepsOfVerdictPrompt(prompt: string): { own: string; judged: string } | null {
  const [, own, judged] = /[:;]([^:;>]+)>([^>]*)\?$/.exec(prompt) ?? []
  return own === undefined || judged === undefined ? null : { own, judged }
}

/** Of the prompts of a critique only this one, which asks for the verdict and nothing else, shows a step of the critic's own. */
export const isVerdictPrompt = (prompt: string): boolean => prompt.includes('>')
export const verdictCompletion = (verdict: Verdict): string => `${verdictMarks[verdict]}${stop}`

export interface Deception {
  type: ErrorType
  from: string
  to: string
  step: string
}

/** The steps of a finished solution; null when it does not end. */
export function parseSolution(text: string): string[] | null {
  if (!text.endsWith(stop)) return null
  return text.slice(0, -stop.length).split(';')
}

/** The steps that follow after a rollout prompt (`;step;step.` or just `.`); null when the text does not go on like that. */
export function parseRollout(text: string): string[] | null {
  if (text === stop) return []
  return text.startsWith(';') ? parseSolution(text.slice(1)) : null
}

/** The generator's answer; null when its format is broken. */
export function parseDeception(text: string): Deception | null {
  const match = /^([a-z]+)!([^>:]+)>([^>:]+):([^:.;!>]+)\.$/.exec(text)
  const type = errorTypes.find((name) => name === match?.[1])
  if (!match || !type) return null
  return { type, from: match[2]!, to: match[3]!, step: match[4]! }
}

/** The critic's verdict; null when there is none, or more than one. */
export function parseVerdict(text: string): Verdict | null {
  const match = /^[^>]*=>(Correct|Incorrect)\.$/.exec(text)
  return verdicts.find((verdict) => verdict === match?.[1]) ?? null
}

/** Every prompt and answer format with its fields named: what the template hash of a turn is taken over. */
export const templates: readonly string[] = [
  solverPrompt('{problem}') + solverCompletion(['{step}', '{step}']),
  rolloutPrompt('{problem}', ['{done}'], '{step}'),
  generatorPrompt('{problem}', ['{done}'], '{right}') +
    generatorCompletion({ type: 'calculation', from: '{from}', to: '{to}', step: '{step}' }),
  ...verdicts.flatMap((verdict) => [
    criticPrompt('{problem}', ['{done}'], '{step}') + criticCompletion('{recomputed}', verdict),
    verdictPrompt('{problem}', ['{done}'], '{own}', '{step}') + verdictCompletion(verdict),
  ]),
]
