import { bigbenchMistake } from './bigbench-mistake.ts'
import { deltaBench } from './deltabench.ts'
import type { Benchmark } from './judged-solution.ts'
import { mrBen } from './mr-ben.ts'
import { mrGsm8k } from './mr-gsm8k.ts'
import { prm800k } from './prm800k.ts'
import { prmBench } from './prmbench.ts'
import { processBench } from './processbench.ts'

/** The published benchmarks of critics, by the name that a command or a run file gives them. */
export const benchmarks: Readonly<Record<string, Benchmark>> = {
  processbench: processBench,
  prm800k,
  'mr-gsm8k': mrGsm8k,
  'mr-ben': mrBen,
  prmbench: prmBench,
  deltabench: deltaBench,
  'bigbench-mistake': bigbenchMistake,
}
