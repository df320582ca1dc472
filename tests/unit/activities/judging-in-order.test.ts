/** Solutions judged step by step: what is asked, and that no first error comes out otherwise than if every step had been. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { judgeInOrder } from '../../../activities/judging-in-order.ts'
import { chunks, range } from '../../../shared/collections.ts'
import type { EvaluationRow, ItemRow } from '../../../shared/recipe.ts'
import { type JudgedSolution, locate, type Verdict } from '../../../tasks/benchmarks/judged-solution.ts'
import { stepLines, verdictsOfSolutions } from '../../../tasks/benchmarks/step-lines.ts'

type Verdicts = (Verdict | null)[]

/** The rows of all shards, and which items were asked about together. */
async function judged(
  solutions: readonly Verdicts[],
  shard: number,
): Promise<{ rows: EvaluationRow[]; asked: number[][] }> {
  const said = solutions.flat()
  const places = solutions.flatMap((steps) => steps.map((_, step) => step))
  const items = range(0, said.length).map((item): ItemRow => ({ round: 0, set: 'any', item, data: {} }))
  const asked: number[][] = []
  const judge = (some: ItemRow[]): Promise<EvaluationRow[]> => {
    asked.push(some.map(({ item }) => item))
    const of = { suite: 'any', role: 'critic', version: 0, label: '', kind: '', text: '' }
    return Promise.resolve(some.map(({ item }) => ({ ...of, item, verdict: said[item] ?? null })))
  }
  const rows: EvaluationRow[] = []
  for (const some of chunks(items, shard)) {
    rows.push(...(await judgeInOrder(some, ({ item }) => (places[item] === 0 ? null : item - 1), judge)))
  }
  return { rows, asked }
}

const [C, I] = ['Correct', 'Incorrect'] as const

test('first steps together, then those behind right ones, up to the first that is not called right', async () => {
  const solutions = [[C, C, I, C], [I, C], [C, null, I, I], [C]]
  expect((await judged(solutions, 99)).asked).toEqual([[0, 4, 6, 10], [1, 7], [2]])
})

test('a solution that began in the shard before goes on as if nothing had been said there', async () => {
  expect((await judged([[I, C, C, C, I, C]], 2)).asked).toEqual([[0], [2], [3], [4]])
})

test('no first error is elsewhere than if every step had been judged', async () => {
  const steps = fc.array(fc.constantFrom(C, C, C, I, null), { minLength: 1, maxLength: 7 })
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { maxLength: 9 }), fc.integer({ min: 1, max: 20 }), async (solutions, shard) => {
      const { rows } = await judged(solutions, shard)
      const files = solutions.map((said, id): JudgedSolution => ({
        id: String(id),
        problem: 'p',
        steps: said.map(() => 's'),
        firstError: null,
        group: '',
      }))
      expect(stepLines(files)).toHaveLength(solutions.flat().length)
      const found = verdictsOfSolutions(files, rows).map((verdicts, index) =>
        locate(verdicts, solutions[index]!.length),
      )
      expect(found).toEqual(solutions.map((said) => locate(said, said.length)))
      expect(new Set(rows.map(({ item }) => item)).size).toBe(rows.length)
    }),
  )
})
