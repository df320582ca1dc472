/** A run in the foreground: services, worker, live display, and the result at the end. `start` and `run` are this. */
import fs from 'node:fs'
import path from 'node:path'
import { cpuKind, otherMachine } from '../db/provenance.ts'
import { readRun } from '../db/runs.ts'
import { UserError } from '../shared/errors.ts'
import { rootMessage } from './failure.ts'
import { goOn, type Launch, type Wish } from './launch.ts'
import { openDisplay, silent, type Display } from './live.ts'
import { againCommand, sayResult } from './result.ts'
import { prepareHome } from './services/home.ts'
import { acquireLock, defaultHome } from './services/index.ts'
import { openSession, type Session } from './session.ts'
import { Plans, takeSnapshot, type Snapshot } from './snapshot.ts'
import { sayJson } from './terminal.ts'
import { SupervisedWorker } from './worker-process.ts'

export interface Foreground {
  /** The command as the user knows it, for other commands' messages: `sparring start`. */
  what: string
  name: string
  file: Wish
  json: boolean
  /** Says what a finished run came to, where that is not what every run says. */
  conclude?: (finished: Snapshot) => void
}

/** Plays a run to its end, or until a signal. Returns the exit code: 0, 1 when the run failed, 130 when interrupted. */
export async function playInForeground(options: Foreground): Promise<number> {
  const display = options.json ? silent : openDisplay()
  const home = prepareHome(defaultHome())
  const lock = await acquireLock(path.join(home, 'foreground.lock'), options.what)
  const interruption = new Interruption()
  try {
    const session = await openSession(options.what, (message) => display.say(`  ${message}`))
    try {
      return await play(options, session, display, interruption)
    } finally {
      display.end()
      await session.close()
    }
  } catch (error) {
    // Ctrl-C also reaches what the services were just being built with: then its failure is ours.
    if (interruption.asked) return sayStopped(options)
    throw error
  } finally {
    interruption.end()
    lock.release()
  }
}

async function play(
  options: Foreground,
  session: Session,
  display: Display,
  interruption: Interruption,
): Promise<number> {
  const { name, json } = options
  if (interruption.asked) return sayStopped(options)
  const launch = await goOn(session, options)
  if (launch.kind === 'finished') return sayEnd(options, session)
  display.say(opening(launch, session))
  const began = (await readRun(session.database, name))?.provenance
  const warning = began ? otherMachine(began, cpuKind()) : null
  if (warning !== null) display.say(`  Warning: ${warning}`)

  const worker = new SupervisedWorker(session.services, {
    onReady: (pid) => display.say(`  Worker: ready (process ${pid})`),
    onRestart: (message) => display.say(`  ${message}`),
  })
  interruption.onHard = () => worker.kill()
  let outcome: 'over' | 'interrupted'
  try {
    outcome = await Promise.race([
      watch(session, name, display, interruption.signal).then((): 'over' => 'over'),
      worker.finished.then((): 'over' => 'over'),
      interruption.happened.then((): 'interrupted' => 'interrupted'),
    ])
  } finally {
    display.end()
    if (interruption.asked && !json) display.say('\nstopping the worker …')
    await worker.stop()
  }
  return outcome === 'interrupted' ? sayStopped(options) : sayEnd(options, session)
}

function opening(launch: Launch, { services }: Session): string {
  const ui = services.temporalUi ? `\n  Temporal UI: ${services.temporalUi}` : ''
  const what =
    launch.kind === 'launched'
      ? `run ${launch.name}: launched`
      : launch.kind === 'relaunched'
        ? `run ${launch.name}: goes on behind round ${launch.finished - 1}`
        : `run ${launch.name}: goes on where it was`
  return `${what}${ui}`
}

/** Shows a run until its workflow has ended, the session closes or the signal comes. A service that died is brought up again. */
export async function watch(session: Session, name: string, display: Display, signal?: AbortSignal): Promise<void> {
  const { client, database, closing } = session
  const over = (): boolean => closing.aborted || signal?.aborted === true
  const plans = new Plans()
  let failures = 0
  while (!over()) {
    const began = performance.now()
    try {
      const run = await readRun(database, name)
      if (run) display.show(await takeSnapshot(session, run, plans))
      if ((await client.execution(name)) !== 'RUNNING') return
      failures = 0
    } catch (error) {
      if (error instanceof UserError || over()) throw error
      failures++
      if (failures > mostFailures) throw error
      if (failures === 2) display.say(`  a service does not answer (${rootMessage(error)}); bringing it up again`)
      if (failures >= 2) await session.repair()
    }
    const spent = performance.now() - began
    await new Promise((resolve) => setTimeout(resolve, Math.max(1000, WATCHING * spent)))
  }
}
const mostFailures = 10
/** A look takes so small a part of the time, once in 20, that watching does not slow down what is watched. */
const WATCHING = 19

async function sayEnd({ name, json, conclude }: Foreground, session: Session): Promise<number> {
  const run = await readRun(session.database, name)
  if (!run) throw new Error(`run ${name} ended before it was registered: ${await whyFailed(session, name)}`)
  const snapshot: Snapshot = await takeSnapshot(session, run)
  if (snapshot.state === 'finished' && conclude) conclude(snapshot)
  else if (json) sayJson(snapshot)
  else sayResult(snapshot)
  return snapshot.state === 'failed' ? 1 : 0
}

async function whyFailed({ client }: Session, name: string): Promise<string> {
  try {
    await client.result(name)
    return 'it says nothing'
  } catch (error) {
    return rootMessage(error)
  }
}

function sayStopped({ name, json }: Foreground): number {
  const again = againCommand(name)
  if (json) sayJson({ run: name, state: 'interrupted', next: again })
  else process.stdout.write(`stopped; \`${again}\` goes on where it was\n`)
  return 130
}

/** Ctrl-C and its relatives: the first asks, the second ends the worker at once, the third leaves everything as it is. */
class Interruption {
  readonly happened: Promise<void>
  onHard: () => void = () => undefined
  readonly #controller = new AbortController()
  #resolve: () => void = () => undefined
  #times = 0

  constructor() {
    this.happened = new Promise((resolve) => (this.#resolve = resolve))
    for (const signal of signals) process.on(signal, this.#onSignal)
  }

  get asked(): boolean {
    return this.#controller.signal.aborted
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  end(): void {
    for (const signal of signals) process.off(signal, this.#onSignal)
  }

  readonly #onSignal = (): void => {
    this.#times++
    if (this.#times === 1) {
      this.#controller.abort()
      this.#resolve()
    } else if (this.#times === 2) {
      this.onHard()
    } else {
      fs.writeSync(2, 'left at once; `sparring services down` stops what still runs\n')
      process.exit(130)
    }
  }
}
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
