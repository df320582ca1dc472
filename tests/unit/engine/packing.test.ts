/** Rows of different lengths share lines: what must hold for any lengths, and how much is padding. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bestLineSize, packLines, type Part, type Unit } from '../../../engine/training/packing.ts'
import { Trainer, type TrainingRow } from '../../../engine/index.ts'
import { PLAN, WEIGHTS } from './support.ts'

const LINE = 96
const lone = (sizes: readonly number[]): Unit[] => sizes.map((size, row) => [{ row, size }])

function padding(parts: readonly Part[], sizes: readonly number[]): number {
  const used = sizes.reduce((sum, size) => sum + size, 0)
  return 1 - used / (LINE * parts.reduce((sum, { lines }) => sum + lines, 0))
}

describe('packing', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: LINE }), { minLength: 1, maxLength: 80, size: 'max' })

  it('gives every row a place of its own inside a line, and parts of about a thousand tokens', () => {
    fc.assert(
      fc.property(sizes, (lengths) => {
        const parts = packLines(lone(lengths), LINE)
        const seen: number[] = []
        for (const { lines, places } of parts) {
          expect(lines * LINE).toBeLessThanOrEqual(1024)
          const free = Array.from({ length: lines }, () => 0)
          for (const { row, line, column } of places) {
            expect(column).toBe(free[line])
            free[line] = column + (lengths[row] ?? 0)
            seen.push(row)
          }
          expect(Math.max(...free)).toBeLessThanOrEqual(LINE)
          expect(Math.min(...free)).toBeGreaterThan(0)
        }
        expect(seen.toSorted((a, b) => a - b)).toEqual([...lengths.keys()])
      }),
    )
  })

  it('gives both halves of a batch the same number of lines, or one more to the first', () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: LINE, max: 6 * LINE }), fc.boolean(), (lengths, lineSize, halved) => {
        const parts = packLines(lone(lengths), lineSize, { halved }).map(({ lines }) => lines)
        const count = (from: number, to: number): number => parts.slice(from, to).reduce((sum, lines) => sum + lines, 0)
        const [middle, all] = [Math.ceil(parts.length / 2), count(0, parts.length)]
        if (parts.length === 1) expect(all).toBeLessThanOrEqual(halved ? 1 : Math.floor(1024 / lineSize))
        else expect([0, 1]).toContain(count(0, middle) - count(middle, parts.length))
      }),
    )
  })

  it('keeps a pair in one part', () => {
    fc.assert(
      fc.property(sizes, (lengths) => {
        const pairs = lengths.map((size, index): Unit => [
          { row: 2 * index, size },
          { row: 2 * index + 1, size: 1 + ((7 * size) % LINE) },
        ])
        for (const { places } of packLines(pairs, LINE)) {
          const rows = places.map(({ row }) => row)
          expect(rows.every((row) => rows.includes(row ^ 1))).toBe(true)
        }
      }),
    )
  })

  it('pads less than 15 % where lengths spread as prompts and answers do', () => {
    for (const [low, high] of [
      [10, 90],
      [20, 60],
      [5, 96],
    ] as const) {
      const lengths = Array.from({ length: 64 }, (_, row) => low + ((row * 37) % (high - low + 1)))
      expect(padding(packLines(lone(lengths), LINE), lengths)).toBeLessThan(0.15)
    }
  })
})

describe('the line size', () => {
  const model = { ...PLAN.model, width: 128 }
  const padded = (rows: readonly number[], lineSize: number): number => {
    const sizes = rows.map((tokens) => tokens - 1)
    const lines = packLines(lone(sizes), lineSize).reduce((sum, part) => sum + part.lines, 0)
    return 1 - sizes.reduce((sum, size) => sum + size, 0) / (lines * lineSize)
  }

  it('is that of the longest row where all are as long', () => {
    expect(bestLineSize({ batches: [Array.from({ length: 64 }, () => 96)], longest: 96, model })).toBe(95)
  })

  it('pads less than 15 % of rows that are too long for two to share a line of the longest', () => {
    const rows = Array.from({ length: 48 }, (_, row) => [18, 26, 20, 34, 18, 26, 22, 18][row % 8] ?? 0)
    expect(padded(rows, 33)).toBeGreaterThan(0.25)
    expect(padded(rows, bestLineSize({ batches: [rows], longest: 34, model }))).toBeLessThan(0.15)
  })

  it('suits all batches of texts, halves that are computed side by side, and blocks of attention', () => {
    // SmolLM2-135M's, and rows such as those of word problems: eight a step.
    const large = { ...model, vocabulary: 49_152, layers: 30, width: 576, heads: 9, keyValueHeads: 3, hidden: 1536 }
    const batches = Array.from({ length: 60 }, (_, batch) =>
      Array.from({ length: 8 }, (__, row) => 90 + ((batch * 71 + row * 37) % 130) + (batch % 20 === row ? 70 : 0)),
    )
    const longest = Math.max(...batches.flat())
    const wasted = (lineSize: number): number => {
      const halves = batches.map((rows) => {
        const parts = packLines(lone(rows.map((size) => size - 1)), lineSize, { halved: true })
        const middle = Math.ceil(parts.length / 2)
        const lines = (some: readonly Part[]): number => some.reduce((sum, part) => sum + part.lines, 0)
        return Math.max(lines(parts.slice(0, middle)), lines(parts.slice(middle)))
      })
      const used = batches.flat().reduce((sum, size) => sum + size - 1, 0)
      return 1 - used / halves.reduce((sum, lines) => sum + 2 * lines * lineSize, 0)
    }
    const best = bestLineSize({ batches, longest, model: large })
    expect(best % 64).toBe(0)
    expect(wasted(best)).toBeLessThan(0.2)
    // Lines of the longest row, and of the context that the run file names.
    for (const other of [longest - 1, 448]) expect(wasted(best)).toBeLessThan(wasted(other))
  })

  it('is never too short for the longest row, nor longer than two of it', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 2, max: 40 }), { maxLength: 30 }), (rows) => {
        const size = bestLineSize({ batches: [rows], longest: 40, model })
        expect(size).toBeGreaterThanOrEqual(39)
        expect(size).toBeLessThanOrEqual(78)
      }),
    )
  })
})

it('a row that shares its line with others gives the same loss and gradient as alone', async () => {
  const rows = [3, 4, 5, 6, 12].map((length, index): TrainingRow => {
    const tokens = Array.from({ length }, (_, position) => (11 * index + 5 * position) % 29)
    return { tokens, completionFrom: 1 + (index % 2), kind: 'supervised', advantage: 0 }
  })
  const optimizer = { ...PLAN.optimizer, beta1: 0, clipNorm: 0 }
  const gradient = async (batch: readonly TrainingRow[], lineSize: number) => {
    const trainer = await Trainer.create({ ...PLAN, optimizer, batchRows: rows.length, lineSize, weights: WEIGHTS })
    const [metrics] = await trainer.step([batch])
    const { m } = trainer.state()
    await trainer.close()
    return { loss: metrics?.loss ?? Number.NaN, m }
  }
  const [line, context] = [PLAN.length - 1, PLAN.model.context]
  const alone = await Promise.all(rows.map(async (row) => ({ row, ...(await gradient([row], line)) })))
  const tokens = ({ tokens: { length }, completionFrom }: TrainingRow): number => length - completionFrom
  const all = rows.reduce((sum, row) => sum + tokens(row), 0)
  const weighted = (of: (part: (typeof alone)[number]) => number): number =>
    alone.reduce((sum, part) => sum + (of(part) * tokens(part.row)) / all, 0)
  // Lines of the longest row, and some that are longer than the model's context.
  for (const lineSize of [line, context + 5]) {
    const together = await gradient(rows, lineSize)
    expect(together.loss).toBeCloseTo(
      weighted(({ loss }) => loss),
      5,
    )
    const error = together.m.reduce((worst, value, index) => {
      return Math.max(worst, Math.abs(value - weighted(({ m }) => m[index] ?? Number.NaN)))
    }, 0)
    expect(error).toBeLessThan(1e-5)
  }
})
