/**
 * DeltaBench (He et al. 2025, arXiv 2502.19361): long chains of thought cut into sections; people marked the sections with a wrong
 * statement and those with a useless one, and both count as wrong. A record has `question`, the numbers of those sections
 * (from 1), and the sections as a list or as one text, `section1: … section2: …`, in `sections_content` or `section_content`.
 *
 * By the authors' script (evaluation.py) a solution's precision, recall and F1 are over its wrong sections; sections called
 * wrong behind the last wrong one are not counted. The result is the mean over solutions (“macro”), the headline, and the same
 * of all their sections together (“micro”). Each of its solutions has a wrong section.
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
const content = z.string().max(2_000_000).optional()
const numbers = z.array(z.int().min(1)).max(2_000).default([])

const line = z
  .object({
    id: identifier,
    question: statementText,
    task_l1: z.string().default('all tasks'),
    sections: z.array(section).optional(),
    sections_content: content,
    section_content: content,
    reason_error_section_numbers: numbers,
    reason_unuseful_section_numbers: numbers,
  })
  .transform((row) => ({
    ...row,
    steps: row.sections ?? cutSections(row.sections_content ?? row.section_content ?? ''),
  }))
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

/** `section1: … section2: …`, each at the beginning of a line; they count from 1, so that a section may speak of another. */
function cutSections(text: string): string[] {
  const sections: string[] = []
  let from: number | null = null
  for (const { 0: mark, 1: number, index } of text.matchAll(/^section\s?(\d+):/gim)) {
    if (Number(number) !== sections.length + (from === null ? 1 : 2)) continue
    if (from !== null) sections.push(text.slice(from, index).trim())
    from = index + mark.length
  }
  return from === null ? [] : [...sections, text.slice(from).trim()]
}

export interface SectionScores {
  precision: number
  recall: number
  f1: number
}

/** Sections that are wrong, that were called wrong, and both. */
interface SectionCounts {
  wrong: number
  called: number
  hits: number
}

/** One solution's sections up to its last wrong one; null where it has none. Sections without a verdict are called right. */
export function countSections(labels: readonly (Verdict | null)[], verdicts: StepVerdicts): SectionCounts | null {
  const last = labels.lastIndexOf('Incorrect')
  if (last < 0) return null
  const reached = labels.slice(0, last + 1)
  const isCalled = (index: number): boolean => verdicts[index] === 'Incorrect'
  return {
    wrong: reached.filter((label) => label === 'Incorrect').length,
    called: reached.filter((_, index) => isCalled(index)).length,
    hits: reached.filter((label, index) => label === 'Incorrect' && isCalled(index)).length,
  }
}

export function sectionScores({ wrong, called, hits }: SectionCounts): SectionScores {
  const precision = called === 0 ? 0 : hits / called
  const recall = hits / wrong
  return { precision, recall, f1: hits === 0 ? 0 : (2 * precision * recall) / (precision + recall) }
}

type Means = Record<keyof SectionScores, number | null>

/** The mean of the solutions' scores; each solution weighs the same. */
function macro(counts: readonly SectionCounts[]): Means {
  const scores = counts.map(sectionScores)
  const mean = (key: keyof SectionScores): number | null => meanOf(scores.map((one) => one[key]))
  return { precision: mean('precision'), recall: mean('recall'), f1: mean('f1') }
}

/** The scores of all sections together; each section weighs the same. */
function micro(counts: readonly SectionCounts[]): Means {
  if (counts.length === 0) return { precision: null, recall: null, f1: null }
  const sum = (key: keyof SectionCounts): number => counts.reduce((total, one) => total + one[key], 0)
  return sectionScores({ wrong: sum('wrong'), called: sum('called'), hits: sum('hits') })
}

export function concludeDeltaBench(
  solutions: readonly JudgedSolution[],
  verdicts: readonly StepVerdicts[],
): Conclusion {
  const groups = groupBy([...solutions.keys()], (index) => solutions[index]?.group ?? '')
  const parts = [...groups, ...(groups.size > 1 ? [['all', [...solutions.keys()]] as const] : [])]
  const counted = (indices: readonly number[], of: (index: number) => StepVerdicts): SectionCounts[] =>
    indices.flatMap((index) => countSections(solutions[index]?.labels ?? [], of(index)) ?? [])
  const scored = parts.map(([group, indices]) => {
    const counts = counted(indices, (index) => verdicts[index] ?? [])
    const always = (index: number): StepVerdicts => (solutions[index]?.steps ?? []).map(() => 'Incorrect' as const)
    const said = indices.flatMap((index) => (solutions[index]?.steps ?? []).map((_, step) => verdicts[index]?.[step]))
    return {
      group,
      solutions: indices.length,
      ...macro(counts),
      micro: micro(counts),
      unreadable: said.length === 0 ? null : said.filter((verdict) => (verdict ?? null) === null).length / said.length,
      // Of constant verdicts the one that calls all sections wrong is the best: the other names none.
      floors: { 'always Correct': 0, 'always Incorrect': macro(counted(indices, always)).f1 },
    }
  })
  const lines = [
    ...columns([
      ['wrong sections', 'solutions', 'precision', 'recall', 'macro F1', 'micro F1', 'always Incorrect', 'unreadable'],
      ...scored.map(({ group, solutions: count, precision, recall, f1, micro: all, unreadable, floors }) => [
        group,
        String(count),
        percent(precision),
        percent(recall),
        percent(f1),
        percent(all.f1),
        percent(floors['always Incorrect']),
        percent(unreadable),
      ]),
    ]),
  ]
  const numbersOf = scored.map(({ group, micro: all, ...rest }): [string, Data] => [
    group,
    { ...rest, micro: { ...all } },
  ])
  return { lines, numbers: { groups: Object.fromEntries(numbersOf) } }
}

export const deltaBench: Benchmark = {
  summary: 'DeltaBench: which sections of a long chain of thought are wrong?',
  scores: 'every step',
  read: (text, source) => parseRecords(text, source, line, form),
  conclude: concludeDeltaBench,
}
