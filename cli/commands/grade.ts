/** `grade`: how well the graders agree with the labels of stored solutions. */
import fs from 'node:fs'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Command } from 'commander'
import { messageOf, UserError } from '../../shared/errors.ts'
import { type Agreement, agreement, type Disagreement, type Reason, reasons } from '../../tasks/answers/agreement.ts'
import { parsePools } from '../../tasks/solution-pools.ts'
import * as studies from '../study.ts'
import { say, sayJson, table } from '../terminal.ts'

interface Graded extends Agreement {
  file: string
}

export function addGrade(program: Command): void {
  program
    .command('grade')
    .description("grade stored solutions by their final answers, and list where that differs from their makers' labels")
    .argument('<file...>', "pools of solutions as JSON Lines, also .gz: GSM8K's example_model_solutions, or candidates")
    .option('--store', 'write results/grading.json and the table of docs/tasks.md')
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  sparring grade example_model_solutions.jsonl
  sparring grade model_solutions.jsonl.gz pools/math500.jsonl.gz --json`,
    )
    .action((files: string[], { store = false, json = false }: { store?: boolean; json?: boolean }) => {
      const graded = files.map((file) => ({ file: nameOf(file), ...agreement(parsePools(read(file), file)) }))
      if (store) publish(graded)
      if (json) return sayJson({ files: graded })
      for (const one of graded) {
        for (const line of one.disagreements) say(describe(one.file, line))
      }
      say()
      const columns = ['file', 'solutions', 'agreement', ...Object.keys(reasons)]
      const lines = table(
        columns.map((title, index) => ({ title, align: index === 0 ? 'left' : 'right' })),
        graded.map(cells),
      )
      for (const line of lines) say(line)
      for (const [reason, meaning] of Object.entries(reasons)) say(`  ${reason}: ${meaning}`)
    })
}

/** The folder tells apart files of one name, and says nothing of the machine. */
const nameOf = (file: string): string => path.resolve(file).split(path.sep).slice(-2).join('/')

function read(file: string): string {
  try {
    const bytes = fs.readFileSync(file)
    return (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
  } catch (error) {
    throw new UserError(`cannot read ${file}: ${messageOf(error)}`, 'name a file of JSON Lines, or one packed by gzip')
  }
}

function describe(file: string, { pool, solution, truth, answer, label, reason }: Disagreement): string {
  return `${file}, pool ${pool}, solution ${solution}: labelled ${label}: ${answer ?? 'no answer'}, where ${truth} is right (${reason})`
}

function cells({ file, solutions, agreed, disagreements }: Graded): string[] {
  const count = (reason: Reason): string => String(disagreements.filter((one) => one.reason === reason).length)
  const percent = `${((100 * agreed) / solutions).toFixed(2)} %`
  return [file, String(solutions), percent, count('comma'), count('fragment'), count('unexplained')]
}

function publish(files: Graded[]): void {
  const command = `sparring grade ${files.map(({ file }) => file).join(' ')} --store`
  fs.writeFileSync(
    studies.resultsFile('grading'),
    `${JSON.stringify({ command, commit: studies.commit(), machine: studies.machine(), files }, null, 2)}\n`,
  )
  const lines = [
    ['file', 'solutions', 'agreement', ...Object.keys(reasons)],
    ['---', '---:', '---:', ...Object.keys(reasons).map(() => '---:')],
    ...files.map(cells),
  ]
  const page = path.join(studies.root, 'docs', 'tasks.md')
  if (!studies.fillMarks(page, 'grading', lines.map((line) => `| ${line.join(' | ')} |`).join('\n'))) {
    throw new UserError(`${page} has no place for grading`, 'add <!-- results:grading --> and <!-- /results --> there')
  }
}
