/**
 * A program that takes part in a comparison. It runs in a process of its own and speaks lines of JSON: it says `{"ready": …}`
 * when it is warm, and answers each `{"repeat": n}` with the seconds that n repetitions took, on the clock and on the processor.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { z } from 'zod'

export const measurement = z.object({
  wall: z.number().positive(),
  /** User and system time of the whole process: what it took, whoever else was running. */
  cpu: z.number().positive(),
  /** Largest resident memory since the process began. */
  peakBytes: z.number(),
})
export type Measurement = z.infer<typeof measurement>

const ready = z.object({
  ready: z.object({
    version: z.string().optional(),
    /** From knowing the shape to the first repetition; of what compiles at the first repetition, to its end. */
    buildSeconds: z.number().optional(),
    flopPerRepeat: z.number().optional(),
  }),
})

type Program = ChildProcessByStdio<Writable, Readable, null>

export class Candidate {
  readonly name: string
  readonly ready: z.infer<typeof ready>['ready']
  readonly #program: Program
  readonly #lines: AsyncIterator<string>

  private constructor(name: string, program: Program, lines: AsyncIterator<string>, answer: string) {
    this.name = name
    this.#program = program
    this.#lines = lines
    this.ready = ready.parse(JSON.parse(answer)).ready
  }

  /** Starts the program and waits until it is warm. */
  static async start(name: string, command: string, args: readonly string[]): Promise<Candidate> {
    const program = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    const failed = once(program, 'error').then(([error]: unknown[]) => Promise.reject(error))
    const lines = createInterface({ input: program.stdout })[Symbol.asyncIterator]()
    const first = await Promise.race([nextLine(name, lines), failed])
    failed.catch(() => undefined)
    return new Candidate(name, program, lines, first)
  }

  async repeat(count: number): Promise<Measurement> {
    return measurement.parse(await this.ask({ repeat: count }))
  }

  /** The program's answer to one line. */
  async ask(message: object): Promise<unknown> {
    this.#program.stdin.write(`${JSON.stringify(message)}\n`)
    return JSON.parse(await nextLine(this.name, this.#lines))
  }

  async stop(): Promise<void> {
    if (this.#program.exitCode !== null) return
    const exited = once(this.#program, 'exit')
    this.#program.stdin.end()
    await exited
  }
}

async function nextLine(name: string, lines: AsyncIterator<string>): Promise<string> {
  const { value, done } = await lines.next()
  if (done === true) throw new Error(`${name} ended without an answer; its complaint stands above`)
  return value
}

/**
 * The other side, for programs in TypeScript: says that it is ready and does what each line asks for. What the work returns goes
 * into the answer.
 */
export async function serve<Asked>(
  about: z.infer<typeof ready>['ready'],
  asked: z.ZodType<Asked>,
  work: (asked: Asked) => Promise<object | void>,
): Promise<void> {
  const say = (message: object): void => console.log(JSON.stringify(message))
  say({ ready: about })
  for await (const line of createInterface({ input: process.stdin })) {
    const task = asked.parse(JSON.parse(line))
    const [began, used] = [performance.now(), process.cpuUsage()]
    const found = await work(task)
    const { user, system } = process.cpuUsage(used)
    const wall = (performance.now() - began) / 1000
    say({ wall, cpu: (user + system) / 1e6, peakBytes: process.resourceUsage().maxRSS * 1024, ...found })
  }
}

/** What most candidates are asked for. */
export const repetitions = z.object({ repeat: z.number().int().positive() })
