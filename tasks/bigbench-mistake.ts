import { z } from 'zod'
import { UserError } from '../shared/errors.ts'

/**
 * BIG-Bench Mistake, multistep arithmetic (Tyen et al. 2023, Apache-2.0): PaLM 2 solutions with the index of the first
 * wrong step, labelled by people. A line of the file is one trace. Its steps are written in words and equalities
 * (`Let's calculate B = (5 + 3 - 4) = (8 - 4) = 4.`); an equality whose two sides differ by one operation on numbers the
 * model knows is one step of the arithmetic task. Whatever else a trace says, the critic cannot read.
 */
const trace = z.object({
  input: z.string(),
  steps: z.array(z.string()).min(1),
  mistake_index: z.int().min(0).nullable(),
})
export type Trace = z.infer<typeof trace>

/** Reads JSON Lines; an ill-formed line is a UserError with its number. */
export function parseTraces(text: string, source: string): Trace[] {
  const lines = text.split('\n').map((line, index) => ({ line: line.trim(), number: index + 1 }))
  return lines
    .filter(({ line }) => line !== '')
    .map(({ line, number }) => {
      try {
        return trace.parse(JSON.parse(line))
      } catch (error) {
        throw new UserError(
          `${source}, line ${number}: not a BIG-Bench Mistake trace (${error instanceof Error ? error.message.split('\n')[0] : ''})`,
          'each line is JSON with the fields input, steps and mistake_index',
        )
      }
    })
}

/** One equality of a trace, as a step of the arithmetic task. */
export interface ReadableEquality {
  problem: string
  step: string
}

export interface ReadStep {
  /** The equalities of the step that the task can express. */
  equalities: ReadableEquality[]
  /** How many equalities the step claims in all, leaving out those that change nothing. */
  claimed: number
}

type Operator = '+' | '-' | '*'
interface Flat {
  values: number[]
  operators: Operator[]
}

/** An expression of signed integers without brackets that matter; null when it needs them, or is no expression. */
function flatten(text: string): Flat | null {
  // Brackets around one number, or around the whole, say nothing.
  let bare = text.replace(/\s+/g, '')
  for (let before = ''; before !== bare;) {
    before = bare
    bare = bare.replace(/\((-?\d+)\)/g, '$1').replace(/^\(([^()]*)\)$/, '$1')
  }
  if (!/^-?\d+([+*-]-?\d+)*$/.test(bare)) return null
  const flat: Flat = { values: [], operators: [] }
  for (const [, operator, number] of bare.matchAll(/(?:(?<=\d)([+*-]))?(-?\d+)/g)) {
    if (operator === '+' || operator === '-' || operator === '*') flat.operators.push(operator)
    flat.values.push(Number(number))
  }
  return flat.operators.length === flat.values.length - 1 ? flat : null
}

const write = (flat: Flat): string =>
  flat.values.map((value, index) => `${value}${flat.operators[index] ?? ''}`).join('')
const known = (value: number): boolean => value >= 0 && value <= 99

/** The one operation in which two sides of an equality differ; null when they differ in more, or in numbers out of range. */
function singleOperation(left: Flat, right: Flat): ReadableEquality | null {
  if (right.operators.length !== left.operators.length - 1) return null
  if (![...left.values, ...right.values].every(known)) return null
  for (let index = 0; index < left.operators.length; index++) {
    const result = right.values[index]!
    const replaced: Flat = {
      values: [...left.values.slice(0, index), result, ...left.values.slice(index + 2)],
      operators: [...left.operators.slice(0, index), ...left.operators.slice(index + 1)],
    }
    if (write(replaced) === write(right)) {
      const step = `${left.values[index]}${left.operators[index]}${left.values[index + 1]}=${result}`
      return { problem: write(left), step }
    }
  }
  return null
}

/** What the arithmetic task can express of one step of a trace. Sides with words in them (`A + B`) claim nothing. */
export function readStep(text: string): ReadStep {
  const sides = text
    .replace(/[.,;:]\s*(So|Then|Thus|Therefore)\b.*$/s, '')
    .split('=')
    .map((side) => side.trim().replace(/[.,]$/, ''))
  const read: ReadStep = { equalities: [], claimed: 0 }
  for (let index = 0; index + 1 < sides.length; index++) {
    const [left = '', right = ''] = sides.slice(index, index + 2)
    if (!isExpression(left) || !isExpression(right)) continue
    const [flatLeft, flatRight] = [flatten(left), flatten(right)]
    if (flatLeft && flatRight && write(flatLeft) === write(flatRight)) continue
    read.claimed++
    const equality = flatLeft && flatRight && singleOperation(flatLeft, flatRight)
    if (equality) read.equalities.push(equality)
  }
  return read
}

const isExpression = (side: string): boolean => /\d/.test(side) && /^[\d\s+*()-]+$/.test(side)

/** The steps of a trace that the critic can be asked about, in order, with the step they stand in. */
export function readTrace({ steps }: Pick<Trace, 'steps'>): {
  judged: (ReadableEquality & { at: number })[]
  claimed: number
  /** Whether every equality of the trace can be asked about. */
  readable: boolean
} {
  const read = steps.map(readStep)
  const judged = read.flatMap(({ equalities }, at) => equalities.map((equality) => ({ ...equality, at })))
  const claimed = read.reduce((sum, step) => sum + step.claimed, 0)
  return { judged, claimed, readable: judged.length === claimed }
}

/** Exact-location accuracy of first-mistake predictions, and of the guesses that need no critic. */
export function locationAccuracy(traces: readonly { mistake: number | null; predicted: number | null }[]) {
  const share = (right: (one: { mistake: number | null; predicted: number | null }) => boolean): number | null =>
    traces.length === 0 ? null : traces.filter(right).length / traces.length
  return {
    traces: traces.length,
    accuracy: share(({ mistake, predicted }) => mistake === predicted),
    floors: {
      'always step 1': share(({ mistake }) => mistake === 1),
      'always step 2': share(({ mistake }) => mistake === 2),
      'no mistake': share(({ mistake }) => mistake === null),
    },
  }
}
