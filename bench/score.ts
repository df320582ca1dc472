/** `npm run bench -- score`: a whole run beside a plain PyTorch script of the same algorithm, sizes and seed (peers/spc.py). */
import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { readRunFile } from '../cli/run-file.ts'
import { root } from '../cli/results-file.ts'
import { UserError } from '../shared/errors.ts'
import { pythonPeer } from './python.ts'
import { loadNow, provenance } from './results.ts'

const phases = z.record(z.string(), z.number())
const side = z.object({
  name: z.string(),
  /** Of the whole command. */
  seconds: z.number(),
  /** Of it, before and after the rounds: services, workers and imports. */
  around: z.number(),
  /** `elapsed`: from the start of the command to the end of the round, its start-up and its stopping counted before. */
  rounds: z.array(z.object({ round: z.number(), harmonic: z.number(), elapsed: z.number(), phases })),
  /** Of the rounds' time: the share in which an engine computed, and the other three parts (docs/cli.md). Ours alone. */
  account: z
    .object({
      engine_share: z.number(),
      storage: z.number(),
      worker: z.number(),
      between: z.number(),
      engines: z.number(),
    })
    .optional(),
})
type Side = z.infer<typeof side>

export const scoreRow = z.object({
  file: z.string(),
  set: z.array(z.string()),
  seed: z.number(),
  ours: side,
  peer: side,
  commit: z.string(),
  machine: z.string(),
  load: z.object({ before: z.number(), between: z.number(), after: z.number() }),
})
export type ScoreRow = z.infer<typeof scoreRow>
export const scoreKey = ({ file, set, seed }: ScoreRow): string => JSON.stringify([file, set, seed])

const status = z.object({
  state: z.string(),
  time: z.object({
    seconds: z.number(),
    engine_share: z.number(),
    storage: z.number(),
    worker: z.number(),
    between: z.number(),
    engines: z.number(),
  }),
  per_round: z.array(
    z.object({
      round: z.number(),
      score: z.number().nullable(),
      time: z.object({ seconds: z.number(), phases: z.record(z.string(), z.object({ seconds: z.number() })) }),
    }),
  ),
})

export interface ScoreOptions {
  readonly file: string
  readonly set: readonly string[]
  readonly threads: number
  readonly say: (line: string) => void
}

export async function benchScore({ file, set, threads, say }: ScoreOptions): Promise<ScoreRow> {
  const { config } = readRunFile(file, [...set])
  if (config.recipe !== 'spc') {
    throw new UserError(
      `${file} is a run of ${config.recipe}`,
      'name a run file of spc: the script beside it is of spc',
    )
  }
  // Asked for first: a Python that lacks torch should be known before the run, not after it.
  const [python, args] = pythonPeer('spc.py', ['torch'], [JSON.stringify({ config, threads, rowsAtOnce: 512 })])
  const before = loadNow()
  const peer = await runPeer(python, args)
  say(`${peer.name}: ${peer.seconds.toFixed(0)} s, harmonic means ${scoresOf(peer)}`)
  const between = loadNow()
  const ours = await runOurs(file, set)
  say(`${ours.name}: ${ours.seconds.toFixed(0)} s, harmonic means ${scoresOf(ours)}`)
  const load = { before, between, after: loadNow() }
  return { file, set: [...set], seed: config.seed, ours, peer, ...provenance(), load }
}

const run = promisify(execFile)

async function timed(command: string, args: readonly string[]): Promise<{ stdout: string; seconds: number }> {
  const began = performance.now()
  const { stdout } = await run(command, [...args], { cwd: root, maxBuffer: 2 ** 26 })
  return { stdout, seconds: (performance.now() - began) / 1000 }
}

async function runOurs(file: string, set: readonly string[]): Promise<Side> {
  const name = `bench-score-${Date.now().toString(36)}`
  const sets = set.flatMap((field) => ['--set', field])
  const cli = path.join(root, 'cli', 'sparring.mjs')
  const { stdout, seconds } = await timed(process.execPath, [cli, 'run', file, '--name', name, ...sets, '--json'])
  const { per_round: rounds, time } = status.parse(JSON.parse(stdout))
  const around = seconds - time.seconds
  let elapsed = around
  return {
    name: 'sparring',
    seconds,
    around,
    rounds: rounds.map(({ round, score, time: { seconds: took, phases: parts } }) => ({
      round,
      harmonic: score ?? 0,
      elapsed: (elapsed += took),
      phases: summed(Object.entries(parts).map(([phase, part]) => [phase, part.seconds])),
    })),
    account: time,
  }
}

const line = z.object({
  round: z.number(),
  harmonic: z.number(),
  elapsed: z.number(),
  phases: z.array(z.object({ phase: z.string(), seconds: z.number() })),
})
const end = z.object({ version: z.string(), importSeconds: z.number() })

async function runPeer(python: string, args: readonly string[]): Promise<Side> {
  const { stdout, seconds } = await timed(python, args)
  const lines: unknown[] = stdout
    .trim()
    .split('\n')
    .map((text): unknown => JSON.parse(text))
  const { version, importSeconds } = end.parse(lines.at(-1))
  const rounds = lines.slice(0, -1).map((text) => {
    const { phases: parts, ...round } = line.parse(text)
    return { ...round, phases: summed(parts.map((part) => [part.phase, part.seconds])) }
  })
  return { name: `PyTorch ${version.split('+')[0]}`, seconds, around: importSeconds, rounds }
}

/** Both splits of a set are one phase. */
function summed(parts: readonly (readonly [string, number])[]): Record<string, number> {
  const found: Record<string, number> = {}
  for (const [phase, seconds] of parts) {
    const name = phase.split('/')[0] ?? phase
    found[name] = (found[name] ?? 0) + seconds
  }
  return found
}

const scoresOf = ({ rounds }: Side): string => rounds.map(({ harmonic }) => harmonic.toFixed(3)).join(', ')

/** Seconds to the first round whose harmonic mean reaches the lower of the two last ones. */
export function secondsToScore({ ours, peer }: Pick<ScoreRow, 'ours' | 'peer'>): {
  goal: number
  ours: number
  peer: number
} {
  const goal = Math.min(...[ours, peer].map(({ rounds }) => rounds.at(-1)?.harmonic ?? 0))
  const until = ({ rounds }: Side): number => rounds.find(({ harmonic }) => harmonic >= goal)?.elapsed ?? Number.NaN
  return { goal, ours: until(ours), peer: until(peer) }
}

/** What docs/performance.md shows. */
export function scoreTable(rows: readonly ScoreRow[]): string {
  return rows
    .map((row) => {
      const { ours, peer } = row
      const reached = secondsToScore(row)
      const names = [...new Set([...peer.rounds, ...ours.rounds].flatMap(({ phases: parts }) => Object.keys(parts)))]
      const total = (of: Side, phase: string): number =>
        of.rounds.reduce((sum, { phases: parts }) => sum + (parts[phase] ?? 0), 0)
      const seconds = (value: number): string => value.toFixed(1)
      const last = (of: Side): number => of.rounds.at(-1)?.elapsed ?? Number.NaN
      const lines = [
        ['', ours.name, peer.name, 'ours / theirs'],
        ['---', '---', '---', '---'],
        ...compared(`seconds to a harmonic mean of ${reached.goal.toFixed(3)}`, reached.ours, reached.peer),
        ...compared('seconds to the end of the last round', last(ours), last(peer)),
        ...ours.rounds.map(({ round, harmonic }, index) => [
          `harmonic mean after round ${round}`,
          harmonic.toFixed(3),
          (peer.rounds[index]?.harmonic ?? Number.NaN).toFixed(3),
          '',
        ]),
        ['seconds around the rounds', seconds(ours.around), seconds(peer.around), ''],
        ...names.map((phase) => [`seconds of ${phase}`, seconds(total(ours, phase)), seconds(total(peer, phase)), '']),
      ]
      const { account, load } = { account: ours.account, load: row.load }
      const share = account
        ? ` At least one engine computed during ${(account.engine_share * 100).toFixed(1)} % of our rounds, ${account.engines.toFixed(2)} on the average; storage took ${seconds(account.storage)} s, the worker ${seconds(account.worker)} s, all between ${seconds(account.between)} s.`
        : ''
      const settings = row.set.length > 0 ? ` with ${row.set.join(', ')}` : ''
      return `${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}

${row.file}${settings}, seed ${row.seed}. Our phases of one stage run side by side, so that their seconds overlap.${share} Load average ${load.before}, ${load.between}, ${load.after}. Commit ${row.commit}, ${row.machine}.`
    })
    .join('\n\n')
}

const compared = (what: string, ours: number, peer: number): string[][] => [
  [what, ours.toFixed(1), peer.toFixed(1), (ours / peer).toFixed(2)],
]
