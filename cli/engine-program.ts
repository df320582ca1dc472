/** Programs of the engine, run as processes of their own: the command line does not load it. */
import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { UserError } from '../shared/errors.ts'

const root = path.resolve(import.meta.dirname, '..')
const unreadable = z.strictObject({ unreadable: z.string() })

interface Question<Answer> {
  argument: string
  answer: z.ZodType<Answer>
  /** What to do where a file is not what it should be. */
  remedy: string
  /** Ends the program. */
  signal?: AbortSignal
}

/** What engine/<program>.ts answers to its argument, as its last line. A file that it cannot read is a UserError. */
export async function askEngine<Answer>(program: string, question: Question<Answer>): Promise<Answer> {
  const said: unknown = JSON.parse((await run(program, question)).trim().split('\n').at(-1) ?? '')
  const refused = unreadable.safeParse(said)
  if (refused.success) throw new UserError(refused.data.unreadable, question.remedy)
  return question.answer.parse(said)
}

async function run(program: string, { argument, signal }: Question<unknown>): Promise<string> {
  const file = path.join(root, 'engine', `${program}.ts`)
  const options = { cwd: root, ...(signal && { signal }) }
  try {
    return (await promisify(execFile)(process.execPath, ['--import', 'tsx', file, argument], options)).stdout
  } catch (error) {
    const stderr = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : ''
    // The message of the call itself would repeat the whole argument.
    throw stderr === '' ? error : new Error(stderr, { cause: error })
  }
}
