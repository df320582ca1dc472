import type { Command } from 'commander'
import { examine, type Finding } from '../doctor.ts'
import { say, sayJson, style } from '../terminal.ts'

const marks = { ok: style('green', 'ok  '), warn: style('yellow', 'warn'), fail: style('red', 'FAIL') }

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('check that this machine has what Sparring needs; starts nothing')
    .option(
      '--device <name>',
      'also run every kind of graph on cpu, cuda, cuda:1 … or webgpu, and name what falls back',
    )
    .option('--json', 'answer as JSON')
    .addHelpText(
      'after',
      '\nEnds with exit code 1 when something must be mended.\n\nExamples:\n  sparring doctor\n  sparring doctor --device webgpu',
    )
    .action(async ({ device, json = false }: { device?: string; json?: boolean }) => {
      const findings: Finding[] = await examine(device)
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
