/** `grade`: how well the graders agree with the labels of stored solutions. */
import fs from 'node:fs'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Command } from 'commander'
import { messageOf, UserError } from '../../shared/errors.ts'
import { type Agreement, agreement, type Disagreement, reasons } from '../../tasks/answers/agreement.ts'
import { parseReferences } from '../../tasks/answers/references.ts'
import { parsePools } from '../../tasks/solution-pools.ts'
import * as results from '../results-file.ts'
import { say, sayJson, table } from '../terminal.ts'

interface Options {
  answers?: string[]
  store?: boolean
  json?: boolean
}

interface Graded extends Agreement {
  file: string
}

export function addGrade(program: Command): void {
  program
    .command('grade')
    .description("grade stored solutions by their final answers, and list where that differs from their makers' labels")
    .argument('<file...>', "pools of solutions as JSON Lines, also .gz: GSM8K's example_model_solutions, or candidates")
    .option(
      '--answers <file...>',
      "the benchmarks' own answers (GSM8K's or MATH's JSON Lines): they tell a wrong label from a wrong statement of the right answer",
    )
    .option('--store', 'write results/grading.json and the table of docs/tasks.md')
    .option('--json', 'one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  sparring grade example_model_solutions.jsonl
  sparring grade pools/math500.jsonl.gz --answers math500.jsonl
  sparring grade model_solutions.jsonl.gz pools/math500.jsonl.gz --json`,
    )
    .action((files: string[], { answers = [], store = false, json = false }: Options) => {
      const references = new Map(answers.flatMap((file) => [...parseReferences(read(file), file)]))
      const graded = files.map((file) => {
        return { file: nameOf(file), ...agreement(parsePools(read(file), file), references) }
      })
      if (store) publish(graded, answers.map(nameOf))
      if (json) return sayJson({ files: graded })
      for (const one of graded) {
        for (const line of one.disagreements) say(describe(one.file, line))
      }
      say()
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

function describe(
  file: string,
  { pool, solution, truth, reference, answer, label, reason, mistaken }: Disagreement,
): string {
  const right = reference === null || reference === truth ? truth : `${reference} (${truth} in the file)`
  const settled = mistaken === null ? '' : `; the ${mistaken === 'label' ? 'label' : "file's right answer"} is mistaken`
  return `${file}, pool ${pool}, solution ${solution}: labelled ${label}: ${answer ?? 'no answer'}, where ${right} is right (${reason}${settled})`
}

const columns = [
  'file',
  'solutions',
  'agreement',
  ...Object.keys(reasons),
  "by the benchmark's answers",
  'wrong labels',
  'wrong truths',
  'where the label is right',
]

function cells({ file, solutions, agreed, byReference, disagreements }: Graded): string[] {
  const reasonsOf = Object.keys(reasons).map((reason) => disagreements.filter((one) => one.reason === reason).length)
  const share = (part: number, of: number): string => `${((100 * part) / of).toFixed(2)} %`
  const count = (what: Disagreement['mistaken']): number =>
    disagreements.filter(({ mistaken }) => mistaken === what).length
  const settled = byReference
    ? [
        share(byReference.agreed, byReference.solutions),
        count('label'),
        count('truth'),
        share(byReference.agreed, byReference.solutions - count('label')),
      ]
    : ['–', '–', '–', '–']
  return [file, solutions, share(agreed, solutions), ...reasonsOf, ...settled].map(String)
}

function publish(files: Graded[], answers: string[]): void {
  const named = answers.length > 0 ? ` --answers ${answers.join(' ')}` : ''
  const command = `sparring grade ${files.map(({ file }) => file).join(' ')}${named} --store`
  fs.writeFileSync(
    results.resultsFile('grading'),
    `${JSON.stringify({ command, commit: results.commit(), machine: results.machine(), files }, null, 2)}\n`,
  )
  const lines = [columns, columns.map((_, index) => (index === 0 ? '---' : '---:')), ...files.map(cells)]
  const page = path.join(results.root, 'docs', 'tasks.md')
  if (!results.fillMarks(page, 'grading', lines.map((line) => `| ${line.join(' | ')} |`).join('\n'))) {
    throw new UserError(`${page} has no place for grading`, 'add <!-- results:grading --> and <!-- /results --> there')
  }
}
