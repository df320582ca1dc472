import type { Command } from 'commander'
import { examine, type Finding } from '../doctor.ts'
import { say, sayJson, style } from '../terminal.ts'

const marks = { ok: style('green', 'ok  '), warn: style('yellow', 'warn'), fail: style('red', 'FAIL') }

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('check that this machine has what Sparring needs; starts nothing')
    .option('--json', 'answer as JSON')
    .addHelpText('after', '\nEnds with exit code 1 when something must be mended.\n\nExamples:\n  sparring doctor')
    .action(async ({ json = false }: { json?: boolean }) => {
      const findings: Finding[] = await examine()
      if (json) sayJson(findings)
      else {
        for (const { level, what, found, remedy } of findings) {
          say(`${marks[level]}  ${what.padEnd(14)} ${found}`)
          if (level !== 'ok' && remedy) say(`                      → ${remedy}`)
        }
      }
      process.exitCode = findings.some(({ level }) => level === 'fail') ? 1 : 0
    })
}
