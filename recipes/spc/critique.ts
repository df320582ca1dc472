import { begunAnswer } from '../../shared/chat.ts'
import type { Answer, Question, Said, Sampling, TurnRow } from '../../shared/recipe.ts'
import type { Task } from '../../tasks/task.ts'
import type { SpcConfig } from './config.ts'
import {
  criticCompletion,
  criticPrompt,
  isVerdictPrompt,
  opening,
  parseVerdict,
  solverCompletion,
  spcVocabulary,
  stepsOfVerdictPrompt,
  type Verdict,
  verdictCompletion,
  verdictMarks,
  verdictPrompt,
} from './prompts.ts'
import { blindTokens, critiqueTokens } from './lengths.ts'
import { taskOf } from './problems.ts'

/**
 * How a critic comes to its verdict on a step.
 *
 * `seen`, as in the paper: one text, which works the step out and then says whether it is the same; the critic has the
 * judged step before its eyes while it works, and a tiny one copies it. `blind` is ours: the critic first writes the next
 * step itself, as a solver would, and is shown the judged one only then. The verdict is a turn of its own, and it is what
 * play rewards. With `values`, ours too, that turn holds nothing but what the two steps claim, digit below digit.
 */
export type Judging = Pick<SpcConfig, 'task' | 'critique'>

export interface StepToJudge {
  problem: string
  done: readonly string[]
  step: string
}

/** The question that makes a critic judge a step. */
export function critiqueQuestion(config: Judging, key: string, { problem, done, step }: StepToJudge): Question {
  if (config.critique === 'seen') return { key, prompt: criticPrompt(problem, done, step) }
  const task = taskOf(config)
  return {
    key,
    prompt: opening(problem, done),
    next([first = '', ...later]) {
      const own = ownStep(task, first)
      return own === null || later.length > 0 ? null : comparison(config, { problem, done, step }, own)
    },
  }
}

/**
 * What a blind critic gives its verdict on. With `values` the two values alone: behind the whole working a tiny critic learns the
 * cases of a round by heart, by their problems, in the place of what tells the values apart.
 */
function comparison(config: Judging, { problem, done, step }: StepToJudge, own: string): string {
  const task = taskOf(config)
  return config.critique === 'values'
    ? verdictPrompt('', [], alignedClaimOf(task, own), alignedClaimOf(task, step))
    : verdictPrompt(problem, done, own, claimOf(task, step))
}

/** What a blind critic is shown of a judged step. */
const claimOf = (task: Task, step: string): string => task.claimOf?.(step) ?? step
const alignedClaimOf = (task: Task, step: string): string => task.alignedClaimOf?.(step) ?? step

/** The step that a critic wrote before it saw the judged one; what may follow it is not looked at. */
function ownStep(task: Task, text: string): string | null {
  const own = firstStep(text)
  return task.isStep(own) ? own : null
}
const firstStep = (text: string): string => text.split(/[;.]/)[0] ?? ''

/** How a critique is sampled: the temperature is the verdict's, as a critic that is not sure of its own step learns to distrust it. */
export function critiqueSampling(config: Judging, samples: number, temperature: number): Sampling {
  return config.critique === 'seen'
    ? { samples, temperature, maximumNewTokens: critiqueTokens(taskOf(config)) }
    : { samples, temperature: [0, temperature], maximumNewTokens: blindTokens(taskOf(config)) }
}

/** Tokens of the longest text that judging this step may take. */
export function critiqueSize(config: Judging, { problem, done, step }: StepToJudge): number {
  const task = taskOf(config)
  const read = (prompt: string): number => spcVocabulary(task).encode(prompt).length
  if (config.critique === 'seen') return read(criticPrompt(problem, done, step)) + critiqueTokens(task)
  const verdict =
    read(verdictPrompt(problem, done, '', claimOf(task, step))) + task.longest.step + read(verdictCompletion('Correct'))
  return Math.max(read(opening(problem, done)) + task.longest.step, verdict)
}

/** The last prompt of a critique and what the critic made of it: what play rewards and an update learns from. */
export interface Critique {
  prompt: string
  text: string
  /** Of all its turns. */
  tokens: number
  verdict: Verdict | null
  /** The turn in which the critic wrote a step itself, where the prompt of the verdict does not hold it. */
  working: Said | null
}

export function critiquesOf(config: Judging, answer: Answer): Critique[] {
  const critiques = readCritiques(answer, parseVerdict)
  if (config.critique !== 'values') return critiques
  return critiques.map((critique, sample) => {
    const [working, ...later] = answer.turns?.[sample] ?? []
    return { ...critique, working: working && later.length > 0 ? working : null }
  })
}

/** `parse`: the verdict that a text says in the critic's language. */
export function readCritiques({ question, texts, tokens, turns }: Answer, parse: Parse): Critique[] {
  return texts.map((text, sample) => {
    const prompt = turns?.[sample]?.at(-1)?.prompt ?? question.prompt
    return { prompt, text, tokens: tokens[sample] ?? 0, verdict: parse(text), working: null }
  })
}
type Parse = (text: string) => Verdict | null

/** The turns of a critique, whose verdict is given in `turn`. */
export function critiqueTurns(turn: Omit<TurnRow, keyof Critique>, { working, ...verdict }: Critique): TurnRow[] {
  if (working === null) return [{ ...turn, ...verdict }]
  const before = { ...turn, ...working, turn: workingName(turn.turn), verdict: null }
  return [before, { ...turn, ...verdict, tokens: verdict.tokens - working.tokens }]
}

const workingName = (verdict: string): string => `work out/${verdict}`

/** The turn in which the critic wrote a step itself before this one, among those of the same game. */
export const workingOf = <Turn extends Pick<TurnRow, 'turn'>>(
  { turn }: Pick<TurnRow, 'turn'>,
  turns: readonly Turn[],
): Turn | null => turns.find((other) => other.turn === workingName(turn)) ?? null

/** What stands before the verdict of a critique; null where the critic never came to one. */
export function beforeVerdict({ prompt, text }: Pick<Critique, 'prompt' | 'text'>): string | null {
  const said = parseVerdict(text)
  if (said) return prompt + text.slice(0, text.indexOf(verdictMarks[said]))
  return isVerdictPrompt(prompt) ? prompt : null
}

/** A critique as one text: in front of a blind verdict stands the step that the critic wrote itself, whatever its language. */
export function wholeCritique({ prompt, text, working }: Pick<Critique, 'prompt' | 'text'> & Working): string {
  const own = working ? firstStep(working.text) : begunAnswer(prompt) || (stepsOfVerdictPrompt(prompt)?.own ?? '')
  return own + text
}
interface Working {
  working: Pick<Said, 'text'> | null
}

/** What a blind critic compares: what its own step claims and what the judged one does; null where it compares none. */
export function comparedClaims(
  config: Judging,
  { prompt }: Pick<Critique, 'prompt'>,
): { own: string; judged: string } | null {
  const steps = stepsOfVerdictPrompt(prompt)
  return steps && { own: claimOf(taskOf(config), steps.own), judged: steps.judged }
}

/** The step that a critic wrote itself, of a critique as one text; null where it never came to a verdict. */
export function ownStepOf(critique: string): string | null {
  const said = parseVerdict(critique)
  return said && critique.slice(0, critique.indexOf(verdictMarks[said]))
}

/** What keeps a blind critic's own step right while its verdicts are trained: the rest of a worked problem. */
export function ownStepExamples(
  config: Judging,
  problem: string,
  done: readonly string[],
): { prompt: string; completion: string }[] {
  if (config.critique === 'seen') return []
  const rest = taskOf(config).solve(problem).slice(done.length)
  return [{ prompt: opening(problem, done), completion: solverCompletion(rest) }]
}

/** The labelled critique of a step: what the critic is asked, and what it should say. */
export function labelledCritique(
  config: Judging,
  { problem, done, step }: StepToJudge,
  right: string,
  verdict: Verdict,
): { prompt: string; completion: string } {
  if (config.critique === 'seen')
    return { prompt: criticPrompt(problem, done, step), completion: criticCompletion(right, verdict) }
  return { prompt: comparison(config, { problem, done, step }, right), completion: verdictCompletion(verdict) }
}
