import fs from 'node:fs'
import type { Command } from 'commander'
import { UserError } from '../../shared/errors.ts'
import { findRun, reportPath, withSession } from '../session.ts'
import { say, sayJson } from '../terminal.ts'

export function addReport(program: Command): void {
  program
    .command('report')
    .description("print the path of a run's report, an HTML file")
    .argument('<run>')
    .option('--json', 'answer as JSON')
    .addHelpText('after', '\nThe report is written anew at the end of every round.\n\nExamples:\n  sparring report spc')
    .action(async (name: string, { json = false }: { json?: boolean }) => {
      await withSession('sparring report', async (session) => {
        await findRun(session, name)
        const file = reportPath(session.services.home, name)
        if (!fs.existsSync(file)) {
          throw new UserError(
            `run ${name} has no report at ${file}`,
            'it is written at the end of each round; `sparring status` shows how far the run is',
          )
        }
        if (json) sayJson({ run: name, report: file })
        else say(file)
      })
    })
}
