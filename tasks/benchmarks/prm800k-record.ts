/**
 * A record of PRM800K's own files (phase1_test.jsonl …), as their README describes them: `question.problem`, and for each
 * position the completions that people rated, with the one that the solution went on with. Where none did, a labeller may have
 * written the step; else the solution ends there, and its own step, the first of those rated -1, is its first error.
 *
 * The other completions are other steps behind the same ones: the pairs of SPC's test come from them.
 */
import { z } from 'zod'
import { type JudgedSolution, type OtherStep, statementText, stepTexts, type Verdict } from './judged-solution.ts'

export const rating = z.union([z.literal(1), z.literal(0), z.literal(-1)])
const verdicts = { '1': 'Correct', '0': null, '-1': 'Incorrect' } as const satisfies Record<string, Verdict | null>
export const verdictOf = (value: z.infer<typeof rating>): Verdict | null => verdicts[`${value}`]

const completion = z.object({ text: z.string().max(50_000), rating: rating.nullable() })

const position = z.object({
  completions: z.array(completion).max(1_000).nullish(),
  human_completion: z.union([z.string(), z.object({ text: z.string() }).transform(({ text }) => text)]).nullish(),
  chosen_completion: z.int().min(0).nullish(),
})

export const recordForm =
  'PRM800K’s own records have question.problem and label.steps, each with completions (text, rating), chosen_completion and human_completion'

const record = z.object({
  labeler: z.string().default(''),
  timestamp: z.string().default(''),
  is_quality_control_question: z.boolean().default(false),
  is_initial_screening_question: z.boolean().default(false),
  question: z.object({ problem: statementText }),
  label: z.object({ steps: z.array(position).max(2_000), finish_reason: z.string() }),
})

export const isRecord = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'question' in value && 'label' in value

interface Chosen {
  text: string
  verdict: Verdict | null
}

/** The step that a position adds to the solution; null where the solution ended before it. */
function chosenAt({ completions, human_completion: written, chosen_completion: chosen }: z.infer<typeof position>) {
  const of = ({ text, rating: value }: z.infer<typeof completion>): Chosen => ({
    text,
    verdict: value === null ? null : verdictOf(value),
  })
  const all = completions ?? []
  const picked = typeof chosen === 'number' ? all[chosen] : undefined
  if (picked) return of(picked)
  if (typeof written === 'string') return { text: written, verdict: 'Correct' as const }
  const wrong = all.find(({ rating: value }) => value === -1)
  return wrong ? of(wrong) : null
}

/**
 * The solution, up to its first error. Null for one that says nothing of its end: a broken problem, a labeller who gave up; and for
 * those that every labeller was given, of which there are many copies (`is_quality_control_question`, `is_initial_screening_question`).
 */
export const solutionOfRecord = record.transform((row, context): JudgedSolution | null => {
  const { labeler, timestamp, question, label } = row
  if (row.is_quality_control_question || row.is_initial_screening_question) return null
  if (label.finish_reason !== 'solution' && label.finish_reason !== 'found_error') return null
  const steps: Chosen[] = []
  const others: OtherStep[] = []
  for (const at of label.steps) {
    const chosen = chosenAt(at)
    const index = steps.length
    for (const { text, rating: value } of at.completions ?? []) {
      if (text === chosen?.text || value === null || value === 0) continue
      others.push({ index, step: text, label: value === 1 ? 'Correct' : 'Incorrect' })
    }
    if (!chosen) break
    steps.push(chosen)
    if (chosen.verdict === 'Incorrect') break
  }
  const firstError = steps.findIndex(({ verdict }) => verdict === 'Incorrect')
  if (firstError < 0 && label.finish_reason === 'found_error') return null
  const texts = stepTexts.safeParse(steps.map(({ text }) => text))
  if (!texts.success) {
    context.addIssue({
      code: 'custom',
      path: ['label', 'steps'],
      message: texts.error.issues[0]?.message ?? 'no steps',
    })
    return z.NEVER
  }
  return {
    id: `${labeler}/${timestamp}`,
    problem: question.problem,
    steps: texts.data,
    firstError: firstError < 0 ? null : firstError,
    labels: steps.map(({ verdict }) => verdict),
    others,
    group: 'prm800k',
  }
})
