/** BIG-Bench Mistake (Tyen et al. 2023, arXiv 2311.08516) with its steps as they stand: exact location of the first mistake. */
import { parseTraces } from '../bigbench-mistake.ts'
import type { Benchmark } from './judged-solution.ts'
import { concludeLocation } from './location.ts'

export const bigbenchMistake: Benchmark = {
  summary: 'BIG-Bench Mistake: where is the first mistake?',
  scores: 'first error',
  read: (text, source) =>
    parseTraces(text, source).map(({ input, steps, mistake_index }, index) => ({
      id: String(index + 1),
      problem: input,
      steps,
      firstError: mistake_index,
      group: 'traces',
    })),
  conclude: concludeLocation,
}
