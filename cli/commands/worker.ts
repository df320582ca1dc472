import type { Command } from 'commander'
import { prepareHome } from '../services/home.ts'
import { defaultHome } from '../services/index.ts'
import { openSession, type Session } from '../session.ts'
import { say } from '../terminal.ts'
import { SupervisedWorker } from '../worker-process.ts'

export function addWorker(program: Command): void {
  program
    .command('worker')
    .description("work on this project's runs until stopped")
    .option('--until-idle', 'end when no run is left to play')
    .option('--json', 'say what happens as JSON lines')
    .addHelpText(
      'after',
      `
Brings up the services if need be. Start as many workers as you like: their number changes no result.
SPARRING_ENGINES sets how many engine processes it has (default: one per core).

Examples:
  sparring worker
  TEMPORAL_ADDRESS=temporal:7233 DATABASE_URL=postgresql://… sparring worker`,
    )
    .action(async ({ untilIdle = false, json = false }: { untilIdle?: boolean; json?: boolean }) => {
      const tell = (event: string, message: string): void => say(json ? JSON.stringify({ event, message }) : message)
      prepareHome(defaultHome())
      const session = await openSession('sparring worker', (message) => tell('progress', message))
      try {
        const worker = new SupervisedWorker(session.services, {
          onReady: (pid) => tell('ready', `worker: ready (process ${pid}); Ctrl-C stops it`),
          onRestart: (message) => tell('restart', message),
        })
        let asked = false
        const onSignal = (): void => {
          if (asked) worker.kill()
          asked = true
          void worker.stop()
        }
        for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
        if (untilIdle) void idle(session).then(() => worker.stop())
        await worker.finished
        tell('stopped', 'worker: stopped')
      } finally {
        await session.close()
      }
    })
}

/** Resolves when no run has been open for a while, as Temporal's index lags a little; or when Temporal is gone for good. */
async function idle({ client }: Session): Promise<void> {
  let [quiet, unanswered] = [0, 0]
  while (quiet < 4 && unanswered < 40) {
    await new Promise((resolve) => setTimeout(resolve, 3000))
    try {
      quiet = (await client.openRuns()).length === 0 ? quiet + 1 : 0
      unanswered = 0
    } catch {
      unanswered++ // a server that does not answer says nothing about its runs
    }
  }
}
