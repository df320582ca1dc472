/** What `npm run chaos` found: the shape of its results file, and the summary that stands in docs/durability.md. */
import { z } from 'zod'
import { victims } from '../tests/support/arena.ts'

const kill = z.object({
  /** Which of the small runs, from 1. */
  run: z.number(),
  victim: z.enum(victims),
  /** Seconds from the launch of that run. */
  at: z.number(),
  round: z.number(),
  /** The phases that were played; none between the last phase of a round and the next round. */
  phases: z.array(z.string()),
  /** Seconds from the kill until everything that was killed ran again. */
  restarted: z.number(),
  /** Seconds from the kill until the run had stored its next shard or checkpoint, or ended. */
  recovered: z.number(),
})
export type Kill = z.infer<typeof kill>

export const chaosResults = z.object({
  command: z.string(),
  commit: z.string(),
  machine: z.string(),
  seed: z.string(),
  /** Workers have this many engine processes. */
  engines: z.number(),
  unbroken: z.object({
    seconds: z.number(),
    rows: z.record(z.string(), z.number()),
    files: z.record(z.string(), z.string()),
  }),
  kills: z.array(kill),
  runs: z.array(
    z.object({
      kills: z.number(),
      seconds: z.number(),
      /** Workers that ended by themselves after something else had been killed, and were started again. */
      restarts: z.number(),
      /** Tables and files that differ from those of the unbroken run, one line each. */
      differences: z.array(z.string()),
    }),
  ),
  verdict: z.enum(['equal', 'different']),
})
export type ChaosResults = z.infer<typeof chaosResults>

const seconds = (value: number): string => `${value.toFixed(1)} s`

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  const middle = sorted.length / 2
  return ((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2
}

/** The summary in Markdown. */
export function chaosTable({ kills, runs, unbroken, verdict, ...found }: ChaosResults): string {
  const spread = (values: readonly number[]): string => `${seconds(median(values))} (${seconds(Math.max(...values))})`
  const rows = victims.flatMap((victim) => {
    const of = kills.filter((one) => one.victim === victim)
    if (of.length === 0) return []
    const [restarted, recovered] = [of.map((one) => one.restarted), of.map((one) => one.recovered)]
    return [`| ${victim} | ${of.length} | ${spread(restarted)} | ${spread(recovered)} |`]
  })
  const [files, all] = [Object.keys(unbroken.files).length, Object.values(unbroken.rows).reduce((sum, n) => sum + n, 0)]
  const phases = new Set(kills.flatMap(({ round, phases: names }) => names.map((name) => `${round} ${name}`))).size
  const times = runs.map((run) => `${run.seconds.toFixed(0)} s with ${run.kills} kills`).join(', ')
  const different = runs.filter((run) => run.differences.length > 0).length
  return [
    verdict === 'equal'
      ? `**${kills.length} kills, no difference:** ${files} files of weights and ${all} rows of each run are equal to those of the unbroken run.`
      : `**${kills.length} kills; ${different} of ${runs.length} runs differ from the unbroken one.**`,
    '',
    '| killed | times | running again after, median (longest) | next shard or checkpoint stored after |',
    '|---|---|---|---|',
    ...rows,
    '',
    `The unbroken run took ${unbroken.seconds.toFixed(0)} s, the others ${times}. At the kills ${phases} different phases were under way. ` +
      `\`${found.command}\`, seed ${found.seed}, commit ${found.commit}, ${found.machine}, ${found.engines} engine processes.`,
  ].join('\n')
}
