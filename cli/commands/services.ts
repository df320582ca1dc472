import type { Command } from 'commander'
import { detachedWorker, stopDetached } from '../detached.ts'
import { bringUp, defaultHome, inspect, takeDown } from '../services/index.ts'
import { say, sayJson } from '../terminal.ts'

interface Options {
  json?: boolean
}

export function addServices(program: Command): void {
  const services = program.command('services').description('Temporal and Postgres: bring up, look at, take down')
  services
    .command('up')
    .description('bring the services up and leave them running')
    .option('--json', 'answer as JSON')
    .addHelpText('after', '\nExamples:\n  sparring services up')
    .action(async ({ json = false }: Options) => {
      const onProgress = (message: string): void => void process.stderr.write(`  ${message}\n`)
      const { stop, ...addresses } = await bringUp({ what: 'sparring services up', keep: true, onProgress })
      await stop()
      if (json) return sayJson(addresses)
      say(`Temporal   ${addresses.temporalAddress}  namespace ${addresses.temporalNamespace}`)
      if (addresses.temporalUi) say(`its UI     ${addresses.temporalUi}`)
      say(`Postgres   ${addresses.databaseUrl}`)
      say('They run until `sparring services down`.')
    })
  services
    .command('down')
    .description('stop the services of this home, and its background worker')
    .option('--json', 'answer as JSON')
    .addHelpText('after', '\nNothing is lost: `sparring start` goes on.\n\nExamples:\n  sparring services down')
    .action(async ({ json = false }: Options) => {
      const worker = await stopDetached(defaultHome())
      const stopped = [...(worker ? [`the background worker (process ${worker.pid})`] : []), ...(await takeDown())]
      if (json) return sayJson({ stopped })
      if (stopped.length === 0) return say('Nothing was running.')
      for (const what of stopped) say(`stopped ${what}`)
    })
  services
    .command('status')
    .description('show what runs; starts nothing')
    .option('--json', 'answer as JSON')
    .addHelpText('after', '\nExamples:\n  sparring services status --json')
    .action(async ({ json = false }: Options) => {
      const status = await inspect()
      const worker = detachedWorker(status.home)
      if (json) return sayJson({ ...status, background_worker: worker?.pid ?? null })
      for (const name of ['temporal', 'postgres'] as const) {
        const { mode, healthy, address, pid, log } = status[name]
        const state = mode === 'stopped' ? 'stopped' : `${mode}, ${healthy === false ? 'does not answer' : 'runs'}`
        say([name.padEnd(10), state, address, pid && `process ${pid}`, log && `log ${log}`].filter(Boolean).join('  '))
      }
      if (status.temporal.ui) say(`its UI      ${status.temporal.ui}`)
      if (worker) say(`worker      in the background, process ${worker.pid}`)
      for (const { what, pid } of status.users) say(`used by     ${what} (process ${pid})`)
      if (status.keep) say('They stay up until `sparring services down`.')
    })
}
