import { createRequire } from 'node:module'
import { z } from 'zod'
import { adoptRounds, whyNoBranch } from '../db/branch.ts'
import { countOutcomes, readEvaluations } from '../db/evaluations.ts'
import {
  closeRound,
  noteMachine,
  openRound,
  type Order,
  readRound,
  readRun,
  recordControl,
  registerRun,
  setRunState,
} from '../db/runs.ts'
import { cpuKind, otherMachine } from '../db/provenance.ts'
import { readItems } from '../db/shards.ts'
import { parseConfig, recipeOf } from '../recipes/registry.ts'
import type { Branch, RunState } from '../shared/contract.ts'
import type { BaseConfig, Data, RoundSummary } from '../shared/recipe.ts'
import type { Dependencies } from './dependencies.ts'

/** Begins a run behind another run's rounds. Returns their scores. */
export async function adopt(
  { database }: Dependencies,
  { run, recipe, config, branch }: { run: string; recipe: string; config: BaseConfig & Data; branch: Branch },
): Promise<(number | null)[]> {
  const why = await whyNoBranch(database, branch, config, recipeOf(recipe).later)
  if (why) throw why
  return adoptRounds(database, { run, config, provenance: provenance(config), branch })
}

/** Opens a round: registers the run at its first one, and stores the configuration the round runs under. */
export async function beginRound(
  { database }: Dependencies,
  input: { run: string; recipe: string; round: number; config: BaseConfig & Data; state: RunState },
): Promise<void> {
  const { run, round, config, state } = input
  const now = provenance(config)
  await registerRun(database, { name: run, config, provenance: now })
  const warning = otherMachine((await readRun(database, run))?.provenance ?? {}, now)
  if (warning !== null) {
    console.warn(`worker: run ${run}, round ${round}: ${warning}`)
    await noteMachine(database, run, { [`round ${round}`]: now })
  }
  await setRunState(database, run, state)
  await openRound(database, run, round, config)
}

/** Sums a finished round up from its rows. */
export async function endRound(
  { database }: Dependencies,
  { run, round }: { run: string; round: number },
): Promise<RoundSummary> {
  const { recipe } = parseConfig((await readRound(database, run, round)).config, `run ${run}, round ${round}`)
  const measured = await readItems(database, { run, rounds: [round], sets: recipe.measures })
  const evaluations = await readEvaluations(database, run, round)
  const outcomes = await countOutcomes(database, run, round)
  const summary = recipe.summarise({ round, evaluations, outcomes, measured })
  await closeRound(database, run, round, summary)
  return summary
}

export async function endRun(
  { database }: Dependencies,
  { run, state }: { run: string; state: RunState },
): Promise<void> {
  await setRunState(database, run, state)
}

export async function noteControl(
  { database }: Dependencies,
  { state, ...event }: Order & { state: RunState },
): Promise<void> {
  await recordControl(database, event)
  await setRunState(database, event.run, state)
}

const packageFile = z.object({ version: z.string() })

/** What equal bytes depend on besides the configuration: packages, Node, the kind of CPU. */
function provenance(config: BaseConfig): Data {
  const require = createRequire(import.meta.url)
  const version = (name: string): string => packageFile.parse(require(name)).version
  return {
    sparring: version('../package.json'),
    onnxruntime: version('onnxruntime-node/package.json'),
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    ...cpuKind(),
    device: config.device ?? 'cpu',
    threadsPerOperator: 1,
  }
}
