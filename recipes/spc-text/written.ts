import { z } from 'zod'
import { range } from '../../shared/collections.ts'
import { type PlayedBy, policyName } from '../../shared/ids.ts'
import { ADOPTED, type Endpoint } from '../../shared/models.ts'
import { Stream } from '../../shared/random.ts'
import type { Data, ItemRow, Phase } from '../../shared/recipe.ts'
import { errorTypes } from '../../tasks/task.ts'
import { arithmeticErrors } from '../../tasks/word-steps.ts'
import { nothing } from '../spc/play.ts'
import { judgeValidity } from '../spc/rewards.ts'
import type { SpcTextConfig } from './config.ts'
import { parseSneakyStep, rolloutPrompt, writerPrompt } from './prompts.ts'
import { PROBLEMS, problemsOf, shuffled } from './problems.ts'
import { bySolver } from './solvers.ts'
import { textWording } from './wording.ts'

/**
 * Wrong steps that a teacher writes in round 0, of the error types that no rule of arithmetic makes. That such a step is wrong is
 * at first only what the teacher was asked for, so the solvers check it as they check those of a game: kept are the steps from
 * which none of their completions comes to the right answer, where from the right step at least 75 % of them do.
 */
export const WRITTEN = 'written steps'

const writtenStep = z.object({
  problem: z.string(),
  answer: z.string(),
  done: z.array(z.string()),
  right: z.string(),
  step: z.string(),
  type: z.enum(errorTypes),
  explanation: z.string(),
  valid: z.boolean().default(false),
})
export type WrittenStep = z.infer<typeof writtenStep>

/** Who teaches in round 0; null where the rules do that made the errors. */
export function teacherOf({ supervised: { teacher } }: SpcTextConfig): PlayedBy | null {
  if (teacher === 'rules') return null
  return teacher === 'model' ? ADOPTED : { role: `teacher:${teacher.model}`, version: 0 }
}

/** The server that the teacher is behind; null of another player, or of a teacher that is the published model. */
export function teacherEndpoint(config: SpcTextConfig, player: PlayedBy): Endpoint | null {
  const { teacher } = config.supervised
  return typeof teacher === 'object' && teacherOf(config)?.role === player.role ? teacher : null
}

/** How warm a teacher is: its tries at one step are to differ. Round 0 reads nothing of `play`, which may change after it. */
export const TEACHER_TEMPERATURE = 0.8
/** Completions of each step, and how warm a solver without a temperature of its own is at them. */
const [COMPLETIONS, COMPLETION_TEMPERATURE] = [4, 0.7]

const typesToWrite = errorTypes.filter((type) => !arithmeticErrors.includes(type))

interface Wanted extends Omit<WrittenStep, 'step' | 'explanation' | 'valid'> {
  item: number
}

/** The steps of training problems' own solutions that are to be made wrong, and how: the types by turns. */
function wantedSteps(config: SpcTextConfig, items: readonly ItemRow[], from: number, to: number): Wanted[] {
  const worked = problemsOf(items, 'train').filter(({ steps }) => steps.length > 0)
  const problems = shuffled(config, worked, 'written steps')
  return range(from, to).flatMap((item): Wanted[] => {
    const { problem, steps, answer } = problems[item % problems.length] ?? { problem: '', steps: [], answer: '' }
    const chosen = new Stream(config.seed, 'written step', item).integer(0, steps.length)
    const [right, type] = [steps[chosen], typesToWrite[item % typesToWrite.length]]
    return right === undefined || type === undefined
      ? []
      : [{ item, problem, answer, done: steps.slice(0, chosen), right, type }]
  })
}

export const write: Phase<SpcTextConfig> = {
  summary: 'The teacher makes steps of worked solutions wrong in ways that arithmetic cannot',
  items: ({ supervised }) => supervised.written,
  sampling: ({ tokens }) => ({
    samples: 1,
    temperature: TEACHER_TEMPERATURE,
    maximumNewTokens: tokens.deception,
  }),
  reads: () => ({ rounds: [0], sets: [PROBLEMS], whole: true }),
  ask: ({ config, from, to }, rows) =>
    wantedSteps(config, rows.items, from, to).map(({ item, problem, done, right, type }) => ({
      key: String(item),
      prompt: writerPrompt(problem, done, right, type),
    })),
  answer({ config, round, from, to, player }, rows, answers) {
    const texts = new Map(answers.map(({ question, texts: [text = ''] }) => [question.key, text]))
    const items = wantedSteps(config, rows.items, from, to).flatMap(({ item, ...wanted }): ItemRow[] => {
      const told = parseSneakyStep(texts.get(String(item)) ?? '')
      if (told === null || told.type !== wanted.type || told.step === wanted.right) return []
      const { step, explanation } = told
      const data: Data = { ...wanted, step, explanation, teacher: player && policyName(player) }
      return [{ round, set: WRITTEN, item, data }]
    })
    return { ...nothing, items }
  },
}

/** Each of them is checked by one solver, as a problem of this number would be its. */
export const confirm: Phase<SpcTextConfig> = bySolver({
  summary: 'The solvers go on from the right and from the written step: is it as wrong as it was asked for?',
  items: ({ supervised }) => supervised.written,
  sampling: ({ tokens }) => ({
    samples: COMPLETIONS,
    temperature: COMPLETION_TEMPERATURE,
    maximumNewTokens: tokens.solution,
  }),
  reads: () => ({ rounds: [0], sets: [WRITTEN] }),
  ask: (_context, rows) =>
    rows.items.flatMap(({ item, data }) => {
      const { problem, done, right, step } = writtenStep.parse(data)
      return [
        { key: `${item}/right`, prompt: rolloutPrompt(problem, done, right) },
        { key: `${item}/wrong`, prompt: rolloutPrompt(problem, done, step) },
      ]
    }),
  answer({ config, player }, rows, answers) {
    const { isReached } = textWording(config)
    const texts = new Map(answers.map((answer) => [answer.question.key, answer.texts]))
    const items = rows.items.map((row): ItemRow => {
      const { problem, answer, done, right, step } = writtenStep.parse(row.data)
      const success = (side: string, last: string): number =>
        (texts.get(`${row.item}/${side}`) ?? []).filter((rest) => isReached({ problem, answer }, [...done, last], rest))
          .length / COMPLETIONS
      const checks = { rightSuccess: success('right', right), sneakySuccess: success('wrong', step) }
      const unchecked = { rightIsRight: null, sneakyIsWrong: null }
      const validity = judgeValidity('rollout', { right, sneaky: step }, { ...checks, ...unchecked })
      const data: Data = { ...row.data, ...checks, ...validity, solver: player && policyName(player) }
      return { ...row, data }
    })
    return { ...nothing, items }
  },
})

/** Those that the solvers have confirmed. */
export const confirmedSteps = (rows: readonly ItemRow[]): WrittenStep[] =>
  rows
    .filter(({ set }) => set === WRITTEN)
    .map(({ data }) => writtenStep.parse(data))
    .filter(({ valid }) => valid)
