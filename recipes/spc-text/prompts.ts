import { isPlain, readChat, writeChat } from '../../shared/chat.ts'
import { errorTypes, type ErrorType } from '../../tasks/task.ts'
import { cutIntoSteps } from '../../tasks/problems/word-problems.ts'
import { withoutResults } from '../../tasks/word-steps.ts'
import type { VerdictWords } from '../spc/credit.ts'
import type { StepToJudge } from '../spc/critique.ts'
import { type Verdict, verdicts } from '../spc/prompts.ts'
import type { SneakyStep } from '../spc/wording.ts'

/**
 * What the players of a chat model are asked, and how their answers are read: the fields of the paper's prompts (Figures 7 and 8)
 * in its order, in our words and as few of them as a small model needs.
 */

/** Stands for the model's own end of a turn. */
export const stop = '\u2403'

const kinds: Record<ErrorType, string> = {
  calculation: 'a wrong result',
  logic: 'a conclusion that does not follow',
  condition: 'a number or a condition read wrongly',
  rule: 'a wrong operation or formula',
  approach: 'a step that does not lead to what is asked',
}

const tasks = {
  solve:
    'Solve this problem step by step, with a blank line between two steps. End with the line "The answer is N.", N being the answer.',
  deceive: `Rewrite the last step of this solution so that it holds one error that is easily overlooked. Kinds of errors: ${errorTypes
    .map((type) => `${type} (${kinds[type]})`)
    .join(', ')}. Answer in this form:
Error: the kind
Change: what becomes what
Wrong step: the step as rewritten`,
  write: (type: ErrorType) =>
    `Rewrite the last step of this solution so that it is wrong and leads to a wrong answer, by one error that is easily overlooked. The error is of this kind: ${type} (${kinds[type]}). Answer in this form:
Error: ${type}
Change: what becomes what
Wrong step: the step as rewritten`,
  work: 'The results in the last step of this solution are left out. Write its equalities as they should be, and nothing else.',
  judge:
    'Judge the last step of this solution. Say briefly what you find when you work it out yourself, then write the line "Verdict: Correct" or "Verdict: Incorrect".',
}

const user = (task: string, fields: string): string => writeChat([{ role: 'user', content: `${task}\n\n${fields}` }])
const soFar = (done: readonly string[]): string => (done.length === 0 ? 'Nothing yet.' : done.join(between))
const lastStep = ({ problem, done, step }: StepToJudge): string =>
  `Problem: ${problem}\n\nSolution so far:\n${soFar(done)}\n\nLast step:\n${step}`

/** What a model goes on with: the prompt, and the beginning of its answer, or more of it. */
const begun = (prompt: string, answer: string): string =>
  isBegun(prompt) ? prompt + answer : `${prompt}\n${writeChat([{ role: 'assistant', content: answer }])}`
const isBegun = (prompt: string): boolean => readChat(prompt).at(-1)?.role === 'assistant'

export const solverPrompt = (problem: string): string => user(tasks.solve, `Problem: ${problem}`)
export const solverCompletion = (steps: readonly string[], answer: string): string =>
  `${[...steps, `The answer is ${answer}.`].join(between)}${stop}`
/** What stands behind a step that is not the last one. */
export const between = '\n\n'
/** Where the solver says the step behind those that stand. */
export const stepPrompt = (problem: string, done: readonly string[]): string =>
  done.length === 0 ? solverPrompt(problem) : begun(solverPrompt(problem), done.map((step) => step + between).join(''))
export const rolloutPrompt = (problem: string, done: readonly string[], step: string): string =>
  stepPrompt(problem, [...done, step])

export const generatorPrompt = (problem: string, done: readonly string[], right: string): string =>
  user(tasks.deceive, lastStep({ problem, done, step: right }))
/** What a teacher is asked for, of whom the kind of error is not left to choose. */
export const writerPrompt = (problem: string, done: readonly string[], right: string, type: ErrorType): string =>
  user(tasks.write(type), lastStep({ problem, done, step: right }))
export const generatorCompletion = ({ type, explanation, step }: SneakyStep): string =>
  `Error: ${type}\nChange: ${explanation}\nWrong step: ${step}${stop}`

export const criticPrompt = (judged: StepToJudge): string => user(tasks.judge, lastStep(judged))
/** `found`: what there is to say before the verdict; null: nothing. */
export const criticCompletion = (found: string | null, verdict: Verdict): string =>
  `${found === null ? '' : `${found}\n`}${marks[verdict]}${stop}`

/** A blind critic's first turn, the step without its results, and its second one: behind what it wrote itself, the step as it is. */
export const workPrompt = (judged: StepToJudge): string =>
  user(tasks.work, lastStep({ ...judged, step: withoutResults(judged.step) }))
export const verdictPrompt = (judged: StepToJudge, own: string): string =>
  begun(criticPrompt(judged), `It should be ${own}.\n`)

const marks: Record<Verdict, string> = { Correct: 'Verdict: Correct', Incorrect: 'Verdict: Incorrect' }

export const words: VerdictWords = {
  marks,
  parse(text) {
    const found = [...text.matchAll(/^Verdict: (\w+)/gm)]
    const last = new RegExp(`^Verdict: (\\w+)\\.?\\s*${stop}$`, 'm').exec(text)?.[1]
    return found.length === 1 ? (verdicts.find((verdict) => verdict === last) ?? null) : null
  },
  before({ prompt, text }) {
    const said = words.parse(text)
    if (said) return begun(prompt, text.slice(0, text.lastIndexOf(marks[said])))
    // A blind critic was asked for its verdict alone.
    return isBegun(prompt) ? prompt : null
  },
}

export const verdictOf = (text: string | null): Verdict | null => verdicts.find((verdict) => verdict === text) ?? null

/** The steps of a finished solution, the last of which states the answer; null for other texts. */
export function parseSolution(text: string): string[] | null {
  if (!text.endsWith(stop) || !isPlain(text)) return null
  const steps = cutIntoSteps(text.slice(0, -stop.length))
  return steps.length === 0 ? null : steps
}

/** The generator's answer; null when its format is broken. */
export function parseSneakyStep(text: string): SneakyStep | null {
  const match = new RegExp(`^Error: (\\w+)\\nChange: ([^\\n]+)\\nWrong step: ([^]+)${stop}$`).exec(text)
  const type = errorTypes.find((name) => name === match?.[1])
  const [, , explanation = '', step = ''] = match ?? []
  return type && step.trim() !== '' && isPlain(step) ? { type, explanation, step: step.trim() } : null
}

/** Every prompt and answer format with its fields named: what the template hash of a turn is taken over. */
export const templates: readonly string[] = [
  rolloutPrompt('{problem}', ['{done}'], '{step}') + solverCompletion(['{step}'], '{answer}'),
  generatorPrompt('{problem}', ['{done}'], '{right}') +
    generatorCompletion({ type: 'calculation', explanation: '{from} becomes {to}', step: '{step}' }),
  ...errorTypes.map((type) => writerPrompt('{problem}', ['{done}'], '{right}', type)),
  ...verdicts.map(
    (verdict) =>
      criticPrompt({ problem: '{problem}', done: ['{done}'], step: '{step}' }) + criticCompletion('{found}', verdict),
  ),
  workPrompt({ problem: '{problem}', done: ['{done}'], step: '{step}' }),
  verdictPrompt({ problem: '{problem}', done: ['{done}'], step: '{step}' }, '{own}'),
]
