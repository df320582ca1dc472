import type { EvaluateShard, PlayShard, RunState, UpdatePlace } from '../shared/contract.ts'
import type { RoundSummary } from '../shared/recipe.ts'
import { adoptModel, importFiles } from './adopt.ts'
import { adopt, beginRound, endRound, endRun, noteControl } from './control.ts'
import type { Dependencies } from './dependencies.ts'
import { evaluateShard } from './evaluate.ts'
import { playShard } from './play.ts'
import { writeReport } from './report.ts'
import { running } from './running.ts'
import { updatePolicy } from './update.ts'

/** Every kind of step. None knows an algorithm: recipes say what to ask and what the answers mean. */
export interface Activities {
  /** Plays one shard of a phase. */
  play(input: PlayShard): Promise<void>
  /** Judges one shard of a suite. */
  evaluate(input: EvaluateShard): Promise<void>
  /** Trains and publishes one policy. */
  update(input: UpdatePlace): Promise<void>
  /** Takes the published model of the run file into the run. */
  adoptModel(input: { run: string }): Promise<void>
  /** Reads the files that the run file names. */
  importFiles(input: { run: string }): Promise<void>
  /** Copies another run's rounds, to go on behind them; returns their scores. */
  adoptRounds(input: Parameters<typeof adopt>[1]): Promise<(number | null)[]>
  openRound(input: Parameters<typeof beginRound>[1]): Promise<void>
  closeRound(input: { run: string; round: number }): Promise<RoundSummary>
  closeRun(input: { run: string; state: RunState }): Promise<void>
  recordControl(input: Parameters<typeof noteControl>[1]): Promise<void>
  /** Writes the run's report as it stands. */
  report(input: { run: string }): Promise<void>
}

export function createActivities(dependencies: Dependencies): Activities {
  return {
    play: running((input: PlayShard, attempt) => playShard(dependencies, input, attempt)),
    evaluate: running((input: EvaluateShard, attempt) => evaluateShard(dependencies, input, attempt)),
    update: running((input: UpdatePlace, attempt) => updatePolicy(dependencies, input, attempt)),
    adoptModel: running((input: { run: string }, attempt) => adoptModel(dependencies, input, attempt)),
    importFiles: running((input: { run: string }) => importFiles(dependencies, input)),
    adoptRounds: running((input: Parameters<Activities['adoptRounds']>[0]) => adopt(dependencies, input)),
    openRound: running((input: Parameters<Activities['openRound']>[0]) => beginRound(dependencies, input)),
    closeRound: running((input: { run: string; round: number }) => endRound(dependencies, input)),
    closeRun: running((input: { run: string; state: RunState }) => endRun(dependencies, input)),
    recordControl: running((input: Parameters<Activities['recordControl']>[0]) => noteControl(dependencies, input)),
    report: running((input: { run: string }) => writeReport(dependencies, input)),
  }
}
