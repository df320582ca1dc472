/**
 * PRMBench (Song et al. 2025, arXiv 2501.03124): right solutions of PRM800K and versions of them with errors of eight kinds, each
 * step labelled; and problems with several right solutions. Wrong steps count from 1 in the file. A few records name steps
 * that are not there: the authors' script passes over those numbers, and so does the reader. It takes their own fields
 * (idx, modified_question) and those of copies (id, problem).
 *
 * PRMScore is half the F1 of right steps and half the F1 of wrong ones, over all steps of a kind alike (their equation 2). Where
 * all steps are right, as in the kind `multi_solutions`, it is the F1 of right steps: so the authors make their tables
 * (get_prmscore_from_current_res_dict in their repository). Their script also judges the original solutions (its kind
 * `correct`), which count in no PRMScore and are not read.
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

const line = z
  .object({
    id: identifier.optional(),
    idx: identifier.optional(),
    problem: statementText.optional(),
    modified_question: statementText.optional(),
    modified_process: stepTexts,
    error_steps: z.array(z.int().min(1)).max(2_000),
    classification: z.string().min(1).max(100),
  })
  .refine(({ id, idx }) => id !== undefined || idx !== undefined, { path: ['idx'], message: 'there is none' })
  .refine(({ problem, modified_question: question }) => problem !== undefined || question !== undefined, {
    path: ['modified_question'],
    message: 'there is none',
  })
  .transform((row): JudgedSolution => {
    const wrong = new Set(row.error_steps.map((step) => step - 1))
    const labels = row.modified_process.map((_, step): Verdict => (wrong.has(step) ? 'Incorrect' : 'Correct'))
    const first = labels.indexOf('Incorrect')
    return {
      id: row.id ?? `${row.classification}_${row.idx}`,
      problem: row.modified_question ?? row.problem ?? '',
      steps: row.modified_process,
      firstError: first < 0 ? null : first,
      labels,
      group: row.classification,
    }
  })

const form =
  'each record is JSON with idx or id, modified_question or problem, modified_process, error_steps (from 1) and classification'

/** The kinds by what they test, as the paper groups them, in the spelling of the file. */
export const categories: Readonly<Record<string, readonly string[]>> = {
  simplicity: ['redundency', 'circular'],
  soundness: ['counterfactual', 'step_contradiction', 'domain_inconsistency', 'confidence'],
  sensitivity: ['missing_condition', 'deception', 'multi_solutions'],
}

interface JudgedLabel {
  label: Verdict
  verdict: Verdict | null
}

export interface PrmScore {
  steps: number
  /** Null where there is no step of the class. */
  f1Correct: number | null
  f1Wrong: number | null
  /** The F1 of right steps where all are right; null where none is. */
  score: number | null
  unreadable: number | null
}

/**
 * Steps whose verdict cannot be read count as called the opposite of what they are; the authors' script leaves whole solutions
 * out instead, and reports their share.
 */
export function prmScore(rows: readonly JudgedLabel[]): PrmScore {
  const [f1Correct, f1Wrong] = [f1(rows, 'Correct'), f1(rows, 'Incorrect')]
  return {
    steps: rows.length,
    f1Correct,
    f1Wrong,
    score: f1Correct === null ? null : (f1Correct + (f1Wrong ?? f1Correct)) / 2,
    unreadable: rows.length === 0 ? null : rows.filter(({ verdict }) => verdict === null).length / rows.length,
  }
}

/** 2 TP / (2 TP + FP + FN) of one class. */
function f1(rows: readonly JudgedLabel[], of: Verdict): number | null {
  const opposite = of === 'Correct' ? 'Incorrect' : 'Correct'
  if (!rows.some(({ label }) => label === of)) return null
  const count = (label: Verdict, judged: Verdict): number =>
    rows.filter((row) => row.label === label && (row.verdict ?? flip(row.label)) === judged).length
  const hits = count(of, of)
  return (2 * hits) / (2 * hits + count(opposite, of) + count(of, opposite))
}

const flip = (verdict: Verdict): Verdict => (verdict === 'Correct' ? 'Incorrect' : 'Correct')

/** What constants reach, and the better of them: the best constant guess. */
export function prmFloors(rows: readonly { label: Verdict }[]): Record<string, number | null> {
  const always = (verdict: Verdict): number | null => prmScore(rows.map(({ label }) => ({ label, verdict }))).score
  const [correct, wrong] = [always('Correct'), always('Incorrect')]
  const best = correct === null || wrong === null ? null : Math.max(correct, wrong)
  return { 'always Correct': correct, 'always Incorrect': wrong, 'best constant': best }
}

export const prmBench: Benchmark = {
  summary: 'PRMBench: is each step right?',
  scores: 'every step',
  /** The first of records with one name, as the authors' script has it. */
  read(text, source) {
    return [...groupBy(parseRecords(text, source, line, form), ({ id }) => id).values()].map(([first]) => first!)
  },
  conclude: concludePrmScore,
}

export function concludePrmScore(solutions: readonly JudgedSolution[], verdicts: readonly StepVerdicts[]): Conclusion {
  const rows = solutions.flatMap(({ labels = [], group }, solution) =>
    labels.flatMap((label, step) =>
      label === null ? [] : [{ label, verdict: verdicts[solution]?.[step] ?? null, group }],
    ),
  )
  const byKind = groupBy(rows, ({ group }) => group)
  const scored = [...byKind, ['all', rows] as const].map(([group, some]) => {
    return { group, scores: prmScore(some), floors: prmFloors(some) }
  })
  const scoreOf = new Map(scored.map(({ group, scores }) => [group, scores.score]))
  const byCategory = Object.entries(categories).map(
    ([category, kinds]) => [category, meanOf(kinds.map((kind) => scoreOf.get(kind) ?? null))] as const,
  )
  const lines = [
    ...columns([
      ['PRMScore', 'steps', 'F1 right', 'F1 wrong', 'PRMScore', 'always Correct', 'always Incorrect', 'unreadable'],
      ...scored.map(({ group, scores, floors }) => [
        group,
        String(scores.steps),
        percent(scores.f1Correct),
        percent(scores.f1Wrong),
        percent(scores.score),
        percent(floors['always Correct'] ?? null),
        percent(floors['always Incorrect'] ?? null),
        percent(scores.unreadable),
      ]),
    ]),
    `Mean PRMScore of the kinds: ${byCategory.map(([name, mean]) => `${name} ${percent(mean)}`).join(', ')}.`,
  ]
  const groups = scored.map(({ group, scores, floors }): [string, Data] => [group, { ...scores, floors }])
  return { lines, numbers: { groups: Object.fromEntries(groups), categories: Object.fromEntries(byCategory) } }
}
