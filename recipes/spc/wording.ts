import type { Answer, ByTurn, Question, Sampling } from '../../shared/recipe.ts'
import type { ErrorType, Task } from '../../tasks/task.ts'
import {
  type Critique,
  critiqueQuestion,
  critiqueSampling,
  critiquesOf,
  type Judging,
  type StepToJudge,
} from './critique.ts'
import { deceptionTokens, rolloutTokens, solutionTokens } from './lengths.ts'
import { solutionSteps, taskOf } from './problems.ts'
import { generatorPrompt, parseDeception, parseRollout, parseSolution, rolloutPrompt, solverPrompt } from './prompts.ts'

/** A problem as a game knows it: its statement, and its answer where the statement alone does not give it. */
export interface Posed {
  problem: string
  answer: string | null
}

export interface SneakyStep {
  type: ErrorType
  explanation: string
  step: string
}

/** How the players of a game speak, and what of it can be checked: all that a round of play must know of a language. */
export interface Wording {
  solverPrompt(problem: string): string
  /** Where the solver goes on after a step. */
  rolloutPrompt(problem: string, done: readonly string[], step: string): string
  generatorPrompt(problem: string, done: readonly string[], right: string): string
  /** The steps of a solution that a game can be played about; null for other texts. */
  steps(text: string): string[] | null
  /** Whether a solution ends with the right outcome. */
  isSolved(posed: Posed, text: string): boolean
  /** Whether the steps and what the solver wrote behind them end with the right outcome. */
  isReached(posed: Posed, steps: readonly string[], rest: string): boolean
  /** The generator's answer; null when its format is broken. */
  sneakyStep(text: string): SneakyStep | null
  critiqueQuestion(key: string, step: StepToJudge): Question
  critiqueSampling(samples: number, temperature: number): Sampling
  critiques(answer: Answer): Critique[]
  readonly tokens: Record<'solution' | 'rollout' | 'deception', ByTurn>
  /** The exact checker of steps, for the oracle rule and the reports; null where there is none. */
  readonly check: Task['check'] | null
}

/** The closed language of a task with an exact checker. */
export function taskWording(config: Judging): Wording {
  const task = taskOf(config)
  return {
    solverPrompt,
    rolloutPrompt,
    generatorPrompt,
    steps: (text) => solutionSteps(task, text),
    isSolved({ problem }, text) {
      const steps = parseSolution(text)
      return steps !== null && task.grade(problem, steps)
    },
    isReached({ problem }, steps, text) {
      const rest = parseRollout(text)
      return rest !== null && task.grade(problem, [...steps, ...rest])
    },
    sneakyStep(text) {
      const deception = parseDeception(text)
      return deception && { ...deception, explanation: `${deception.from} > ${deception.to}` }
    },
    critiqueQuestion: (key, step) => critiqueQuestion(config, key, step),
    critiqueSampling: (samples, temperature) => critiqueSampling(config, samples, temperature),
    critiques: (answer) => critiquesOf(config, answer),
    tokens: { solution: solutionTokens(task), rollout: rolloutTokens(task), deception: deceptionTokens(task) },
    check: (problem, done, step) => task.check(problem, done, step),
  }
}
