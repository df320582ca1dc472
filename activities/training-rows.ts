import { type EngineProcess, lossNeeds, type LossTerm as EngineLossTerm, type TrainingRow } from '../engine/index.ts'
import { range } from '../shared/collections.ts'
import { UserError } from '../shared/errors.ts'
import { type PlayedBy, policyName } from '../shared/ids.ts'
import { isAdopted } from '../shared/models.ts'
import type { BaseConfig, Course, Example, Lesson, LossTerm } from '../shared/recipe.ts'
import type { Texts } from '../shared/texts.ts'
import type { Dependencies } from './dependencies.ts'
import { logProbabilities, type ScoredExample } from './scoring.ts'
import type { RoundSettings } from './settings.ts'

/** A step of a lesson as the engine takes it. */
export interface StepRows {
  rows: TrainingRow[]
  /** How many examples of the step are longer than a row may be. */
  leftOut: number
}

interface Learning {
  definition: Course<BaseConfig>
  lesson: Lesson
  loss: readonly LossTerm[]
}

interface Place {
  run: string
  round: number
  course: string
  settings: RoundSettings
  signal: AbortSignal
}

/**
 * Turns examples into training rows, with the log-probabilities that the loss needs: under the policy that sampled each
 * completion, and under the frozen reference. Every different example is scored once, before training starts.
 */
export async function trainingRows(
  dependencies: Dependencies,
  engine: EngineProcess,
  place: Place,
  { definition, lesson, loss }: Learning,
): Promise<(step: number) => StepRows> {
  const { run, round, course, settings, signal } = place
  const { config, texts } = settings
  const length = definition.length(config)
  const encode = encoder(texts)
  /** Texts of people have any length, and those that do not fit are left out; a task's own always fit. */
  const fitting = (step: number): { examples: Example[]; leftOut: number } => {
    const all = lesson.batch(step)
    const examples = isAdopted(config.model) ? all.filter((example) => encode(example).tokens.length <= length) : all
    if (examples.length > 0 || all.length === 0) return { examples, leftOut: all.length - examples.length }
    throw new UserError(
      `step ${step + 1} of course ${course}: none of its ${all.length} examples fits ${length} tokens`,
      'raise model.context',
    )
  }
  const rowOf = (example: Example): TrainingRow => {
    const { kind, advantage, target, klWeight, pair } = example
    const given = {
      ...(target === undefined ? {} : { target }),
      ...(klWeight === undefined ? {} : { klWeight }),
      ...(pair ? { pair } : {}),
    }
    return { ...encode(example), kind, advantage, ...given }
  }
  const needs = lossNeeds(loss.map(engineTerm))
  const stepRows =
    (toRow: (example: Example) => TrainingRow) =>
    (step: number): StepRows => {
      const { examples, leftOut } = fitting(step)
      return { rows: examples.map(toRow), leftOut }
    }
  if (!needs.old && !needs.reference) return stepRows(rowOf)

  const reference = definition.reference({ config, round, phase: course })
  /** Regressed and compared examples are only compared with the reference, whoever sampled them. */
  const scorer = ({ kind, behaviour }: Example): PlayedBy => {
    const policy = kind === 'reinforced' ? behaviour : reference
    if (policy) return policy
    const lacks =
      kind === 'reinforced' ? 'a reinforced example names no behaviour' : `${kind} examples need a reference`
    throw new Error(`course ${course}: ${lacks}`)
  }
  const keyOf = (example: Example): string => `${policyName(scorer(example))}|${example.prompt}|${example.completion}`
  const examples = new Map<string, ScoredExample>()
  for (const example of range(0, lesson.steps).flatMap((step) => fitting(step).examples)) {
    if (example.kind === 'supervised') continue
    examples.set(keyOf(example), { ...encode(example), behaviour: scorer(example) })
  }
  const scores = await logProbabilities(dependencies, engine, { run, settings, reference, signal }, examples)
  const againstReference = loss.some((term) => term.term === 'policy-gradient' && term.against === 'reference')
  const scoredRow = (example: Example): TrainingRow => {
    if (example.kind === 'supervised') return rowOf(example)
    const score = scores.get(keyOf(example))
    if (!score) throw new Error(`an example was not scored: ${example.prompt}${example.completion}`)
    return { ...rowOf(example), ...score, ...(againstReference && score.reference ? { old: score.reference } : {}) }
  }
  return stepRows(scoredRow)
}

/** The rows of steps, some of which are made before they are wanted. */
export class RowsAhead {
  readonly #rowsOf: (step: number) => StepRows
  readonly #made = new Map<number, StepRows>()

  constructor(rowsOf: (step: number) => StepRows) {
    this.#rowsOf = rowsOf
  }

  take(step: number): StepRows {
    const rows = this.#made.get(step) ?? this.#rowsOf(step)
    this.#made.delete(step)
    return rows
  }

  prepare(steps: readonly number[]): void {
    for (const step of steps) {
      if (this.#made.has(step)) continue
      try {
        this.#made.set(step, this.#rowsOf(step))
      } catch {
        // Rows that cannot be made are an error of their own step: who takes it makes them again, and is told.
        return
      }
    }
  }
}

/** Every different example is encoded once. */
function encoder(texts: Texts): (example: Example) => { tokens: number[]; completionFrom: number } {
  const encoded = new Map<string, { tokens: number[]; completionFrom: number }>()
  return ({ prompt, completion }) => {
    const key = `${prompt}|${completion}`
    let row = encoded.get(key)
    if (!row) {
      const opening = texts.prompt(prompt)
      row = { tokens: [...opening, ...texts.completion(completion)], completionFrom: opening.length }
      encoded.set(key, row)
    }
    return row
  }
}

/** What the ratio is taken against is settled by the log-probabilities that the rows carry; the engine knows one `old`. */
export function engineTerm(term: LossTerm): EngineLossTerm {
  if (term.term !== 'policy-gradient') return term
  const { against: _against, ...rest } = term
  return rest
}
