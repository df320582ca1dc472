/** The command line: one file per command in commands/. Errors a person can mend end with exit code 2, others with 1. */
import { createRequire } from 'node:module'
import { Command, CommanderError } from 'commander'
import { z } from 'zod'
import { addEpisodes } from './commands/episodes.ts'
import { addControl } from './commands/control.ts'
import { addDoctor } from './commands/doctor.ts'
import { addEvaluate } from './commands/evaluate.ts'
import { addExport } from './commands/export.ts'
import { addGrade } from './commands/grade.ts'
import { addModel } from './commands/model.ts'
import { addSearch } from './commands/search.ts'
import { addStudy } from './commands/study.ts'
import { addReport } from './commands/report.ts'
import { addRun } from './commands/run.ts'
import { addServices } from './commands/services.ts'
import { addStart } from './commands/start.ts'
import { addStatus } from './commands/status.ts'
import { addWorker } from './commands/worker.ts'
import { sayError, sayJson } from './terminal.ts'

const packageFile = z.object({ version: z.string(), description: z.string() })

function buildProgram(): Command {
  const { version, description } = packageFile.parse(createRequire(import.meta.url)('../package.json'))
  const program = new Command('sparring')
    .description(description)
    .version(version)
    .showSuggestionAfterError()
    .addHelpText('after', '\nBegin with `sparring start`. Every command takes --json, and has examples in its --help.')
  const add = [
    addStart,
    addRun,
    addStatus,
    addControl,
    addEpisodes,
    addReport,
    addEvaluate,
    addSearch,
    addExport,
    addGrade,
    addModel,
    addStudy,
    addServices,
    addWorker,
    addDoctor,
  ]
  for (const addTo of add) addTo(program)
  // With exitOverride commander throws instead of ending the process, so that its errors take our form.
  const quiet = (command: Command): void => {
    command.exitOverride().configureOutput({ outputError: () => undefined })
    for (const child of command.commands) quiet(child)
  }
  quiet(program)
  return program
}

/** A reader that has seen enough (`sparring runs | head -1`) ends the command, and is no error. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(0)
})

async function main(): Promise<number> {
  const json = process.argv.includes('--json')
  try {
    await buildProgram().parseAsync()
    return Number(process.exitCode ?? 0)
  } catch (error) {
    if (!(error instanceof CommanderError)) return sayError(error, json)
    if (error.exitCode === 0) return 0 // --help and --version
    // `sparring` alone shows the help, which is no error message.
    if (error.code === 'commander.help') return 2
    const command = process.argv[2]?.startsWith('-') ? undefined : process.argv[2]
    const remedy = `\`sparring ${error.code === 'commander.unknownCommand' || !command ? '' : `${command} `}--help\` shows what it takes`
    const message = error.message.replace(/^error: /, '').replace('\n', ' ')
    if (json) sayJson({ error: message, remedy })
    else process.stderr.write(`sparring: ${message}\n  → ${remedy}\n`)
    return 2
  }
}

process.exitCode = await main()
