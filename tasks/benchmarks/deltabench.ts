/**
 * DeltaBench (He et al. 2025, arXiv 2502.19361): long chains of thought cut into sections; people marked the sections with a wrong
 * statement and those with a useless one, and both count as wrong. A record has `question`, the numbers of those sections
 * (from 1), and the sections as a list or as one text, `section1: … section2: …`.
 *
 * By the authors' script a solution's precision, recall and F1 are over its wrong sections; sections called wrong behind the
 * last wrong one are not counted; the result is the mean over solutions (“macro”). Each of its solutions has a wrong section.
 */
import { z } from 'zod'
import { groupBy } from '../../shared/collections.ts'
import type { Data } from '../../shared/recipe.ts'
import { parseRecords } from '../json-lines.ts'
import {
  type Benchmark,
  type Conclusion,
  identifier,
  type JudgedSolution,
  statementText,
  type StepVerdicts,
  stepTexts,
  type Verdict,
} from './judged-solution.ts'
import { columns, meanOf, percent } from './tables.ts'

const section = z
  .object({ content: z.string().optional(), section: z.string().optional() })
  .transform(({ content, section: text }) => content ?? text ?? '')
const numbers = z.array(z.int().min(1)).max(2_000).default([])

const line = z
  .object({
    id: identifier,
    question: statementText,
    task_l1: z.string().default('all tasks'),
    sections: z.array(section).optional(),
    sections_content: z.string().max(2_000_000).optional(),
    reason_error_section_numbers: numbers,
    reason_unuseful_section_numbers: numbers,
  })
  .transform((row) => ({ ...row, steps: row.sections ?? cutSections(row.sections_content ?? '') }))
  .refine(({ steps }) => stepTexts.safeParse(steps).success, { path: ['sections'], message: 'there is no section' })
  .transform((row): JudgedSolution => {
    const wrong = new Set([...row.reason_error_section_numbers, ...row.reason_unuseful_section_numbers])
    const labels = row.steps.map((_, index): Verdict => (wrong.has(index + 1) ? 'Incorrect' : 'Correct'))
    const first = labels.indexOf('Incorrect')
    return {
      id: row.id,
      problem: row.question,
      steps: row.steps,
      firstError: first < 0 ? null : first,
      labels,
      group: row.task_l1,
    }
  })

const form =
  'each record is JSON with id, question, sections or sections_content, reason_error_section_numbers and reason_unuseful_section_numbers'

/** `section1: … section2: …`, each at the beginning of a line. */
function cutSections(text: string): string[] {
  return text
    .split(/^section\s?\d+:/im)
    .slice(1)
    .map((part) => part.trim())
}

export interface SectionScores {
  precision: number
  recall: number
  f1: number
}

/** One solution's scores over its wrong sections; null where it has none. Sections without a verdict are called right. */
export function sectionScores(labels: readonly (Verdict | null)[], verdicts: StepVerdicts): SectionScores | null {
  const last = labels.lastIndexOf('Incorrect')
  if (last < 0) return null
  const reached = labels.slice(0, last + 1)
  const called = reached.map((_, index) => verdicts[index] === 'Incorrect')
  const wrong = reached.filter((label) => label === 'Incorrect').length
  const named = called.filter(Boolean).length
  const hits = reached.filter((label, index) => label === 'Incorrect' && called[index]).length
  const precision = named === 0 ? 0 : hits / named
  const recall = hits / wrong
  return { precision, recall, f1: hits === 0 ? 0 : (2 * precision * recall) / (precision + recall) }
}

export function concludeDeltaBench(
  solutions: readonly JudgedSolution[],
  verdicts: readonly StepVerdicts[],
): Conclusion {
  const groups = groupBy([...solutions.keys()], (index) => solutions[index]?.group ?? '')
  const parts = [...groups, ...(groups.size > 1 ? [['all', [...solutions.keys()]] as const] : [])]
  const macro = (
    indices: readonly number[],
    of: (index: number) => StepVerdicts,
  ): Record<keyof SectionScores, number | null> => {
    const scores = indices.flatMap((index) => sectionScores(solutions[index]?.labels ?? [], of(index)) ?? [])
    const mean = (key: keyof SectionScores): number | null => meanOf(scores.map((one) => one[key]))
    return { precision: mean('precision'), recall: mean('recall'), f1: mean('f1') }
  }
  const scored = parts.map(([group, indices]) => {
    const always = (index: number): StepVerdicts => (solutions[index]?.steps ?? []).map(() => 'Incorrect' as const)
    const said = indices.flatMap((index) => (solutions[index]?.steps ?? []).map((_, step) => verdicts[index]?.[step]))
    return {
      group,
      solutions: indices.length,
      ...macro(indices, (index) => verdicts[index] ?? []),
      unreadable: said.length === 0 ? null : said.filter((verdict) => (verdict ?? null) === null).length / said.length,
      // Of constant verdicts the one that calls all sections wrong is the best: the other names none.
      floors: { 'always Correct': 0, 'always Incorrect': macro(indices, always).f1 },
    }
  })
  const lines = [
    ...columns([
      ['wrong sections', 'solutions', 'precision', 'recall', 'macro F1', 'always Incorrect', 'unreadable'],
      ...scored.map(({ group, solutions: count, precision, recall, f1, unreadable, floors }) => [
        group,
        String(count),
        percent(precision),
        percent(recall),
        percent(f1),
        percent(floors['always Incorrect']),
        percent(unreadable),
      ]),
    ]),
  ]
  const numbersOf = scored.map(({ group, ...rest }): [string, Data] => [group, rest])
  return { lines, numbers: { groups: Object.fromEntries(numbersOf) } }
}

export const deltaBench: Benchmark = {
  summary: 'DeltaBench: which sections of a long chain of thought are wrong?',
  read: (text, source) => parseRecords(text, source, line, form),
  conclude: concludeDeltaBench,
}
