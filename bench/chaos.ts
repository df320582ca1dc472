/**
 * `npm run chaos`: many SIGKILLs at random instants of small runs, and whether these end with the rows and the weights of a
 * run that nobody disturbed. The crash tests make the same point with a handful of kills.
 */
import fs from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { until } from '../cli/services/processes.ts'
import { commit, machine, resultsFile, root } from '../cli/results-file.ts'
import { messageOf, UserError } from '../shared/errors.ts'
import { type Draws, Stream } from '../shared/random.ts'
import { sweepTestHomes } from '../tests/services/test-home.ts'
import { Arena, type Victim, victims } from '../tests/support/arena.ts'
import { differences, type Fingerprint } from '../tests/support/fingerprint.ts'
import { defaultEngines } from '../tests/support/worker-process.ts'
import { type ChaosResults, chaosTable, type Kill } from './chaos-results.ts'
import { fillPage } from './page.ts'

const usage = `Usage: npm run chaos -- [--kills N] [--seed S]

Plays a small run undisturbed, then small runs in which an engine process, the worker, Temporal, Postgres or all of them at
once are killed with SIGKILL at random instants, until there were N kills. Compares every row and every weights file.
Writes results/chaos.json, and its summary into docs/durability.md. Takes about a quarter of a minute for each kill.

  --kills N   how many (default 25)
  --seed S    of victims and instants (default: of this minute); the instants are times, so they fall on other work each time
  --help      this text

Exit code 0: all equal; 1: a difference; 2: wrong arguments.
Example: npm run chaos -- --kills 50 --seed 1`

/** The longest pause between the recovery from one kill and the next kill. */
const LONGEST_PAUSE_MS = 4000
/** No recovery takes this long: heartbeats time out after 15 s, attempts back off for at most 30 s. */
const PATIENCE_MS = 180_000

const say = (line: string): void => console.log(line)
const since = (start: number): number => Math.round((performance.now() - start) / 100) / 10
const page = path.join(root, 'docs', 'durability.md')

interface Options {
  kills: number
  seed: string
}

function optionsOf(args: string[]): Options | 'help' {
  let values: { kills?: string; seed?: string; help?: boolean }
  try {
    const options = { kills: { type: 'string' }, seed: { type: 'string' }, help: { type: 'boolean' } } as const
    values = parseArgs({ args, options, strict: true }).values
  } catch (error) {
    throw new UserError(messageOf(error), '`npm run chaos -- --help` shows what it takes')
  }
  if (values.help) return 'help'
  const kills = Number(values.kills ?? 25)
  if (!Number.isInteger(kills) || kills < 1) {
    throw new UserError(`--kills ${values.kills} is no number of kills`, 'use a whole number from 1 on')
  }
  return { kills, seed: values.seed ?? String(Math.floor(Date.now() / 60_000)) }
}

/** The arena that is open or being opened, for whoever interrupts. */
let current: Promise<Arena> | null = null
let interrupted = false

async function inArena<T>(use: (arena: Arena) => Promise<T>): Promise<T> {
  current = Arena.open()
  const arena = await current
  try {
    return await use(arena)
  } finally {
    current = null
    await arena.close()
  }
}

/** Every victim equally often: the five of them in an order of chance, again and again. */
function victimOf(seed: string, kill: number): Victim {
  const order = new Stream('chaos victims', seed, Math.floor(kill / victims.length)).permutation(victims.length)
  const victim = victims[order[kill % victims.length] ?? 0]
  if (!victim) throw new Error(`no victim for kill ${kill}`)
  return victim
}

/** Kills, starts again and waits until the run goes on. Null when the run was over before. */
async function strike(arena: Arena, victim: Victim, began: number): Promise<Omit<Kill, 'run'> | null> {
  for (const deadline = performance.now() + PATIENCE_MS; performance.now() < deadline;) {
    if (await arena.isOver()) return null
    const place = await arena.phase()
    const before = await arena.stored()
    const at = performance.now()
    if (!(await arena.kill(victim))) continue // a worker starts its engines when it first needs them
    await arena.restore()
    const restarted = since(at)
    const goesOn = async (): Promise<boolean> => {
      await arena.supervise()
      return (await arena.stored()) > before || (await arena.isOver())
    }
    if (!(await until(goesOn, PATIENCE_MS, 20))) break
    return { victim, at: Math.round((at - began) / 100) / 10, ...place, restarted, recovered: since(at) }
  }
  throw new Error(`the run stands still for ${PATIENCE_MS / 1000} s (${victim} was to be killed, or was)`)
}

/** One small run under kills, until it is over or there were enough. */
async function disturb(
  most: number,
  pauses: Draws,
  victim: (kill: number) => Victim,
  onKill: (kill: Omit<Kill, 'run'>) => void,
): Promise<{ print: Fingerprint; kills: number; seconds: number; restarts: number }> {
  return inArena(async (arena) => {
    const began = performance.now()
    let kills = 0
    while (kills < most) {
      await new Promise((resolve) => setTimeout(resolve, pauses.between(0, LONGEST_PAUSE_MS)))
      const struck = await strike(arena, victim(kills), began)
      if (!struck) break
      kills++
      onKill(struck)
    }
    const print = await arena.finish()
    return { print, kills, seconds: since(began), restarts: arena.restarts }
  })
}

async function chaos({ kills: wanted, seed }: Options): Promise<ChaosResults> {
  for (const home of await sweepTestHomes()) say(`cleaned up after a killed run: ${home}`)
  say(`seed ${seed}; the unbroken run …`)
  const unbroken = await inArena(async (arena) => {
    const began = performance.now()
    const print = await arena.finish()
    return { print, seconds: since(began) }
  })
  say(
    `unbroken: ${unbroken.seconds} s, ${unbroken.print.rows['shards']} shards, ${Object.keys(unbroken.print.files).length} weights files`,
  )
  const pauses = new Stream('chaos pauses', seed).draws()
  const kills: Kill[] = []
  const runs: ChaosResults['runs'] = []
  while (kills.length < wanted) {
    const first = kills.length
    const victim = (kill: number): Victim => victimOf(seed, first + kill)
    const { print, ...run } = await disturb(wanted - first, pauses, victim, (struck) => {
      kills.push({ run: runs.length + 1, ...struck })
      const where = struck.phases.length > 0 ? struck.phases.join(', ') : 'between phases'
      say(
        `kill ${kills.length} of ${wanted}: ${struck.victim}, ${struck.at} s into run ${runs.length + 1}, round ${struck.round}, ${where}` +
          ` · running again after ${struck.restarted} s, next stored after ${struck.recovered} s`,
      )
    })
    const found = differences(unbroken.print, print)
    runs.push({ ...run, differences: found })
    say(`run ${runs.length}: ${run.seconds} s with ${run.kills} kills: ${found.length === 0 ? 'equal' : 'DIFFERENT'}`)
    for (const line of found) say(`  ${line}`)
  }
  return {
    command: `npm run chaos -- --kills ${wanted} --seed ${seed}`,
    commit: commit(),
    machine: machine(),
    seed,
    engines: defaultEngines,
    unbroken: { seconds: unbroken.seconds, rows: unbroken.print.rows, files: unbroken.print.files },
    kills,
    runs,
    verdict: runs.every((run) => run.differences.length === 0) ? 'equal' : 'different',
  }
}

async function main(): Promise<number> {
  const options = optionsOf(process.argv.slice(2))
  if (options === 'help') {
    say(usage)
    return 0
  }
  const signals = { SIGINT: 130, SIGTERM: 143 } as const
  for (const [signal, code] of Object.entries(signals)) {
    process.once(signal, () => {
      interrupted = true
      say('stopping what was started …')
      void Promise.resolve(current)
        .then((arena) => arena?.close())
        .finally(() => process.exit(code))
    })
  }
  const found = await chaos(options)
  const summary = chaosTable(found)
  fs.mkdirSync(path.dirname(resultsFile('chaos')), { recursive: true })
  fs.writeFileSync(resultsFile('chaos'), `${JSON.stringify(found, null, 2)}\n`)
  await fillPage(page, 'chaos', summary)
  say(`\n${summary}\n\nwritten to ${path.relative(process.cwd(), resultsFile('chaos'))}`)
  return found.verdict === 'equal' ? 0 : 1
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    if (interrupted) return // what fails now fails because everything is taken down
    console.error(`chaos: ${messageOf(error)}${error instanceof UserError ? `\n  → ${error.remedy}` : ''}`)
    process.exit(error instanceof UserError ? 2 : 1)
  },
)
