/**
 * A batch is computed in parts, and rows of different lengths share lines.
 *
 * A part is what the graph computes at once: about a thousand tokens. Larger ones fall out of the processor's cache: a product
 * of 4096 rows ran at half of the multiply-add peak, one of 1024 or fewer at 70 %. And activations are kept for one part only.
 */
import { SMALLEST_BLOCK } from '../models/causal-attention.ts'
import { type LlamaConfig, llamaLayout } from '../models/llama.ts'

/** The most tokens of a part. */
const TOKENS_PER_PART = 1024
/** Parameters of a model that computes for so long that two short parts cost no more than a part of twice their length. */
const WORTH_HALVES = 1e7

/** Whether a short batch is cut in two halves, too, which may be computed side by side. */
export const isHalved = (model: LlamaConfig): boolean => llamaLayout(model).size >= WORTH_HALVES

/** Where a row stands. */
export interface Place {
  /** Its number in the batch. */
  readonly row: number
  /** The line of its part, and the column of that line. */
  readonly line: number
  readonly column: number
}

export interface Part {
  readonly lines: number
  /** In the order of lines and columns. */
  readonly places: readonly Place[]
}

/** Rows that must be in one part, and their lengths. */
export type Unit = readonly { readonly row: number; readonly size: number }[]

/**
 * First fit, longest first: each row goes into the first line that has room. The result depends on the sizes and their order
 * alone. Rows of a unit stay in one part; no row is longer than a line. `halved`: more than one line makes more than one part.
 */
export function packLines(units: readonly Unit[], lineSize: number, { halved = false } = {}): Part[] {
  const ordered = longestFirst(units)
  const most = Math.max(1, Math.floor(TOKENS_PER_PART / lineSize))
  // Parts of about equal size: how many lines there are is known after a first try.
  const lines = firstFit(ordered, lineSize, () => Infinity).reduce((sum, part) => sum + part.used.length, 0)
  // An even number, so that both halves of a batch take equally long (see batch-gradient.ts).
  const parts = lines <= (halved ? 1 : most) ? 1 : 2 * Math.ceil(lines / (2 * most))
  const before = (part: number): number => Math.ceil((part * lines) / parts)
  return firstFit(ordered, lineSize, (part) => before(part + 1) - before(part)).map(({ used, places }) => ({
    lines: used.length,
    places: places.toSorted((a, b) => a.line - b.line || a.column - b.column),
  }))
}

function longestFirst(units: readonly Unit[]): Unit[] {
  const longest = (unit: Unit): number => Math.max(...unit.map(({ size }) => size))
  return units.toSorted((a, b) => longest(b) - longest(a))
}

interface OpenPart {
  /** Tokens in each line. */
  readonly used: number[]
  readonly places: Place[]
}

/** `most`: how many lines a part has; more only where its first unit needs them. */
function firstFit(units: readonly Unit[], lineSize: number, most: (part: number) => number): OpenPart[] {
  const parts: OpenPart[] = []
  for (const unit of units) {
    if (parts.some((part, index) => add(part, unit, lineSize, most(index)))) continue
    const part: OpenPart = { used: [], places: [] }
    add(part, unit, lineSize, Math.max(most(parts.length), unit.length))
    parts.push(part)
  }
  return parts
}

/** Adds the unit to the part if it has room for all of it. */
function add(part: OpenPart, unit: Unit, lineSize: number, most: number): boolean {
  const used = [...part.used]
  const places = unit.map(({ row, size }): Place => {
    const found = used.findIndex((tokens) => tokens + size <= lineSize)
    const line = found < 0 ? used.length : found
    const column = used[line] ?? 0
    used[line] = column + size
    return { row, line, column }
  })
  if (used.length > most) return false
  part.used.splice(0, used.length, ...used)
  part.places.push(...places)
  return true
}

/** Batches of rows to come, and what computes them. */
export interface RowsToCome {
  /** The tokens of each row of each batch. */
  readonly batches: readonly (readonly number[])[]
  /** The tokens of the longest row there may be. */
  readonly longest: number
  readonly model: LlamaConfig
}

/**
 * The tokens of a line with which rows such as these take the least work. Rows that are little shorter than the longest leave
 * half of a line empty where it holds just one; longer lines let them share, and cost attention more: as much as all else at
 * 2 · width tokens in a small model, and later in a large one (docs/performance.md, Lines).
 */
export function bestLineSize({ batches, longest, model }: RowsToCome): number {
  const halved = isHalved(model)
  const all = batches.map((rows) => rows.map((size, row): Unit => [{ row, size: size - 1 }]))
  const work = (lineSize: number): number =>
    all.reduce((sum, units) => sum + linesInTurn(packLines(units, lineSize, { halved })), 0) *
    lineSize *
    (1 + lineSize / (2 * model.width))
  const sizes = Array.from({ length: 9 }, (_, eighths) => wholeBlocks(Math.ceil(((8 + eighths) * (longest - 1)) / 8)))
  return sizes.reduce((best, size) => (work(size) < work(best) ? size : best))
}

/** As many lines as take equally long: of a batch in two halves, which may be computed side by side, twice those of the longer one. */
function linesInTurn(parts: readonly Part[]): number {
  const half = Math.ceil(parts.length / 2)
  const count = (some: readonly Part[]): number => some.reduce((sum, { lines }) => sum + lines, 0)
  return parts.length === 1 ? count(parts) : 2 * Math.max(count(parts.slice(0, half)), count(parts.slice(half)))
}

/** Long lines have whole blocks of queries (see causal-attention.ts). */
const wholeBlocks = (size: number): number =>
  size < 2 * SMALLEST_BLOCK ? size : SMALLEST_BLOCK * Math.ceil(size / SMALLEST_BLOCK)
