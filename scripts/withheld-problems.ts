/**
 * Writes tasks/problems/withheld.ts: which problems of published training splits also stand in published evaluation sets, as
 * hashes (`problemHash`).
 *
 *   npx tsx scripts/withheld-problems.ts --train gsm8k:gsm8k/train.jsonl --train math:math/train.jsonl \
 *       --evaluation math/test.jsonl --evaluation processbench/omnimath.jsonl
 *
 * A training file is named with its form (see tasks/problems/word-problems.ts). Evaluation files are JSON Lines, or JSON arrays, also
 * .gz, whose records hold the problem under one of the usual names. Without arguments it says how to call it.
 */
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { format, resolveConfig } from 'prettier'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { messageOf, UserError } from '../shared/errors.ts'
import { parseRecords } from '../tasks/json-lines.ts'
import { leaked, problemHash } from '../tasks/problems/training.ts'
import { parseProblems, problemForms, type ProblemForm } from '../tasks/problems/word-problems.ts'

const target = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', 'tasks', 'problems', 'withheld.ts')

const statements = z
  .object({
    problem: z.string().optional(),
    question: z.string().optional(),
    Question: z.string().optional(),
    input: z.string().optional(),
    Body: z.string().optional(),
    modified_question: z.string().optional(),
  })
  .transform(({ Body, ...named }) => {
    const texts = Object.values(named).filter((text) => text !== undefined)
    return Body === undefined ? texts : texts.map((text) => `${Body} ${text}`)
  })

function read(file: string): string {
  try {
    const bytes = fs.readFileSync(file)
    return (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
  } catch (error) {
    throw new UserError(`cannot read ${file}: ${messageOf(error)}`, 'name files of JSON Lines')
  }
}

const statementsIn = (file: string): string[] =>
  parseRecords(read(file), file, statements, 'each record is JSON with problem, question or input').flat()

function training(named: string): { form: ProblemForm; file: string } {
  const [form = '', ...rest] = named.split(':')
  const known = problemForms.find((one) => one === form)
  if (!known || rest.length === 0) {
    throw new UserError(`${named} names no form`, `write one of ${problemForms.join(', ')}, a colon and the file`)
  }
  return { form: known, file: rest.join(':') }
}

/** Which problems of each training file stand in which evaluation files. */
function overlaps(
  train: readonly string[],
  evaluation: readonly string[],
): { train: string; evaluation: string; hashes: string[] }[] {
  return train.flatMap((named) => {
    const { form, file } = training(named)
    const problems = parseProblems(form, read(file), file, 'train')
    return evaluation.map((other) => {
      const hashes = leaked(problems, statementsIn(other)).map(({ problem }) => problemHash(problem))
      return { train: file, evaluation: other, hashes: [...new Set(hashes)].toSorted() }
    })
  })
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { train: { type: 'string', multiple: true }, evaluation: { type: 'string', multiple: true } },
  })
  const { train = [], evaluation = [] } = values
  if (train.length === 0 || evaluation.length === 0 || positionals.length > 0) {
    throw new UserError(
      'there is nothing to compare',
      'npx tsx scripts/withheld-problems.ts --train math:math/train.jsonl --evaluation math/test.jsonl --evaluation …',
    )
  }
  const found = overlaps(train, evaluation)
  for (const one of found) console.log(`${one.train} and ${one.evaluation}: ${one.hashes.length}`)
  const name = (file: string): string => file.split(path.sep).slice(-2).join('/')
  const sets = [...new Set(found.map((one) => name(one.train)))].map((file): [string, string[]] => {
    const hashes = found.filter((one) => name(one.train) === file).flatMap((one) => one.hashes)
    return [file, [...new Set(hashes)].toSorted()]
  })
  const list = Object.fromEntries(sets.filter(([, hashes]) => hashes.length > 0))
  const text = `/**
 * Problems of published training splits that also stand in published evaluation sets, by training file: the first 16 digits of
 * the SHA-256 of \`problemKey\`. Written by scripts/withheld-problems.ts.
 */
export const withheld: Readonly<Record<string, readonly string[]>> = ${JSON.stringify(list)}
`
  fs.writeFileSync(target, await format(text, { ...(await resolveConfig(target)), filepath: target }))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main().catch((error: unknown) => {
    console.error(error instanceof UserError ? `${error.message}\n${error.remedy}` : error)
    process.exitCode = 1
  })
}
