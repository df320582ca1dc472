/** A task of one's own: reverse a word, letter by letter. `cab` has the solution `b`, `a`, `c`. */
import { z } from 'zod'
import type { Task } from '../tasks/task.ts'

export const reversalConfig = z.strictObject({
  name: z.literal('reversal'),
  letters: z.int().min(2).max(8).default(4),
})

const alphabet = 'abcdefgh'.split('')

export function reversal({ letters }: z.infer<typeof reversalConfig>): Task {
  const solve = (word: string): string[] => word.split('').toReversed()
  return {
    name: 'reversal',
    vocabulary: [...alphabet, ';'],
    longest: { problem: letters, steps: letters, step: 1, replaced: 1 },
    problem: (draws) => Array.from({ length: letters }, () => draws.pick(alphabet)).join(''),
    solve,
    isStep: (text) => alphabet.includes(text),
    answer: (_word, steps) => steps.join('') || null,
    grade: (word, steps) => steps.join('') === solve(word).join(''),
    check: (word, done, step) => solve(word)[done.length] === step,
    next: (word, done) => solve(word)[done.length] ?? null,
    // One kind of error is all there is room for: another letter.
    corrupt(_word, _done, step, type, draws) {
      if (type !== 'condition') return null
      const other = draws.pick(alphabet.filter((letter) => letter !== step))
      return { step: other, from: step, to: other }
    },
    render: (text) => text.toUpperCase(),
  }
}
