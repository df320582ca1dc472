import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { playInForeground } from '../foreground.ts'
import { readRunFile } from '../run-file.ts'

const defaultFile = path.relative(process.cwd(), fileURLToPath(new URL('../../examples/spc.yaml', import.meta.url)))
const defaultName = 'spc'

export function addStart(program: Command): void {
  program
    .command('start')
    .description('play the default run, or go on with one, and watch it to the end')
    .argument('[run]', 'a run to go on with', defaultName)
    .option('--json', 'say nothing until the end, then the result as JSON')
    .addHelpText(
      'after',
      `
Brings up Temporal, Postgres and a worker, plays examples/spc.yaml under the name ${defaultName}, and stops them again.
Ctrl-C stops at any moment; the next start goes on where it was.

Examples:
  sparring start          the default run
  sparring start mine     goes on with a run that was stopped, or that failed`,
    )
    .action(async (name: string, { json = false }: { json?: boolean }) => {
      process.exitCode = await playInForeground({
        what: 'sparring start',
        name,
        file: name === defaultName ? readRunFile(defaultFile) : null,
        json,
      })
    })
}
