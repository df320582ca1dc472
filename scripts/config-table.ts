/**
 * Writes the table of configuration fields in docs/spc.md from the schema in recipes/spc/config.ts:
 *
 *   npx tsx scripts/config-table.ts
 *
 * Types, bounds and defaults are the schema's. The paper's values and the meanings stand here; a field without a line
 * here, and a line here without a field, are errors.
 */
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { spc } from '../recipes/spc/index.ts'

export const page = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', 'docs', 'spc.md')
const marks = ['<!-- config:spc -->', '<!-- /config -->'] as const

interface Field {
  /** JSON Schema of the field. */
  schema: z.core.JSONSchema.BaseSchema
  path: string
}

/** [the paper's value, what the field means]. – where the paper has no such thing; "not stated" where it leaves it open. */
const notes: Record<string, readonly [string, string]> = {
  recipe: ['–', 'The recipe of this run.'],
  seed: ['not stated', 'Everything random follows from it.'],
  rounds: ['2', 'Self-play rounds after round 0.'],
  shard: ['–', 'Items per shard, the unit of work and of storage.'],
  'task.name': ['MATH problems of PRM800K', 'The task.'],
  'task.operands': ['–', 'Fewest and most operands of a problem.'],
  'task.largestOperand': ['–', 'Largest operand outside a product.'],
  'task.largestFactor': ['–', 'Largest operand of a product.'],
  'task.multiplications': ['–', 'Draws of a product; each happens with probability 0.6.'],
  'model.width': ['Qwen2.5-7B-Instruct', 'Width of the residual stream.'],
  'model.layers': ['that model’s', 'Decoder layers.'],
  'model.heads': ['that model’s', 'Attention heads.'],
  'model.keyValueHeads': ['that model’s', 'Heads of keys and values; fewer than `heads` is grouped-query attention.'],
  'model.hidden': ['that model’s', 'Width of the SwiGLU block.'],
  'model.ropeTheta': ['that model’s', 'Base of the rotary position embedding.'],
  'model.context': ['4096 in training', 'Longest sequence in tokens.'],
  'base.steps': [
    '–',
    'Optimizer steps of the base model, which is also the solver (the paper starts from a trained model).',
  ],
  'base.batch': ['–', 'Rows per step.'],
  'base.learningRate': ['–', 'Peak learning rate: 100 steps of warm-up, then linear decay.'],
  'base.checks': ['–', 'Share of rows that are critiques of coarse errors; the rest are solutions.'],
  'weakSolver.steps': ['–', 'Optimizer steps of the held-out weak solver, whose errors test the critic.'],
  'weakSolver.batch': ['–', 'Rows per step.'],
  'weakSolver.learningRate': ['–', 'Peak learning rate.'],
  'supervised.generator.steps': ['3 epochs', 'Optimizer steps of the generator in round 0.'],
  'supervised.generator.batch': ['64', 'Rows per step.'],
  'supervised.generator.learningRate': ['5e-6', 'Peak learning rate: 10 steps of warm-up, then linear decay.'],
  'supervised.generator.pairs': ['13K', 'Labelled wrong steps, of all five error types.'],
  'supervised.critic.steps': ['3 epochs', 'Optimizer steps of the critic in round 0.'],
  'supervised.critic.batch': ['64', 'Rows per step.'],
  'supervised.critic.learningRate': ['5e-6', 'Peak learning rate.'],
  'supervised.critic.pairs': [
    '21.8K rows',
    'Labelled pairs, each one wrong and one right step; no `calculation` errors.',
  ],
  'play.problems': ['not stated', 'Problems offered to the solver in a round.'],
  'play.presolutions': ['4', 'Solutions per problem before the difficulty filter.'],
  'play.mediumSolutions': [
    '16',
    'Solutions in all for medium problems (solved at most half of the time, but not never).',
  ],
  'play.easyKept': ['easy rows are about 10 %', 'Share of the easy problems that is kept.'],
  'play.generator': [
    'learned',
    'Who writes wrong steps: the generator that learns too, its round-0 version, or a random corruptor.',
  ],
  'play.validity': [
    'rollout',
    'Which rule says that a sneaky step is valid: the solver’s completions, or the task’s exact checker.',
  ],
  'play.rollouts': ['N, not stated', 'Completions from each of the two steps in the validity check.'],
  'play.rolloutTemperature': ['not stated', 'Temperature of these completions.'],
  'play.critiques': ['4', 'Critiques per step.'],
  'play.temperature': ['not stated', 'Temperature of solutions, deceptions and critiques.'],
  schedule: ['paper', 'Who meets whom, and what is trained from where: see “Schedules”.'],
  'update.learn': ['play', 'Learn from games, or (control arm) take equally many steps on supervised rows alone.'],
  'update.loss': ['equation 4; the released code differs', 'The loss on played rows: see “The losses”.'],
  'update.clip': ['0.2 in the released code', 'c of `official-code`.'],
  'update.ratioLimit': [
    'none',
    '`equation-4`: no gain for a completion beyond this importance ratio; null switches it off.',
  ],
  'update.kl': ['0.1', 'β of `equation-4`.'],
  'update.supervisedWeight': ['0.15', 'Weight of the supervised rows’ loss.'],
  'update.solverReward': [
    'true (its ablation: false)',
    'Whether invalid sneaky steps are among the generator’s rows, with reward −1.',
  ],
  'update.critic.steps': ['3 epochs', 'Optimizer steps per merged round.'],
  'update.critic.batch': ['64', 'Played rows per step; as many supervised rows stand beside them.'],
  'update.critic.learningRate': ['2e-6', 'Peak learning rate: 10 steps of warm-up, then linear decay.'],
  'update.critic.rows': ['6.4K, then 6.8K', 'Critiques wanted per merged round, half winning and half losing.'],
  'update.generator.steps': ['3 epochs', 'Optimizer steps per merged round.'],
  'update.generator.batch': ['64', 'Played rows per step; as many supervised rows stand beside them.'],
  'update.generator.learningRate': ['2e-6', 'Peak learning rate.'],
  'update.generator.rows': ['6K', 'Sneaky steps wanted per merged round: a third each invalid, detected and fooling.'],
  'evaluation.natural': ['–', 'Problems that the weak solver tries, per split.'],
  'evaluation.synthetic': ['–', 'Synthetic steps per split, half of them wrong.'],
  'evaluation.arena': ['–', 'Test problems on which each generator version meets each critic version.'],
}

function fieldsOf(schema: z.core.JSONSchema.BaseSchema, at: string[] = []): Field[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, inner]): Field[] => {
    if (typeof inner === 'boolean') return []
    const path = [...at, name]
    // The fields of every task stand under `task`.
    const groups = inner.oneOf ?? (inner.properties ? [inner] : [])
    if (groups.length > 0) return groups.flatMap((group) => fieldsOf(group, path))
    return [{ path: path.join('.'), schema: inner }]
  })
}

const code = (value: unknown): string => `\`${JSON.stringify(value).replaceAll('"', '').replaceAll(',', ', ')}\``

/** What may be written: choices, or a kind of number with its bounds. */
function typeOf(schema: z.core.JSONSchema.BaseSchema): string {
  if (schema.const !== undefined) return code(schema.const)
  if (schema.enum) return schema.enum.map(code).join(', ')
  if (schema.anyOf) return schema.anyOf.map((one) => typeOf(one)).join(' or ')
  if (Array.isArray(schema.prefixItems)) return `[${schema.prefixItems.map(() => 'integer').join(', ')}]`
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema
  const bounds = [
    minimum === undefined ? [] : `≥ ${minimum}`,
    exclusiveMinimum === undefined ? [] : `> ${exclusiveMinimum}`,
    maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? [] : `≤ ${maximum}`,
    exclusiveMaximum === undefined ? [] : `< ${exclusiveMaximum}`,
    multipleOf === undefined ? [] : `multiple of ${multipleOf}`,
  ].flat()
  return [schema.type, ...bounds].join(' ')
}

export function configTable(): string {
  const fields = fieldsOf(z.toJSONSchema(spc.config, { io: 'input' }))
  const unknown = Object.keys(notes).filter((name) => fields.every(({ path }) => path !== name))
  if (unknown.length > 0)
    throw new Error(`scripts/config-table.ts describes fields that are gone: ${unknown.join(', ')}`)
  const rows = fields.map(({ path, schema }) => {
    const note = notes[path]
    if (!note) throw new Error(`scripts/config-table.ts says nothing about the field ${path}`)
    const [paper, meaning] = note
    const steerable = spc.steerable.includes(path) ? ' Steerable.' : ''
    const standard = schema.default === undefined ? '–' : code(schema.default)
    return `| \`${path}\` | ${typeOf(schema)} | ${standard} | ${paper} | ${meaning}${steerable} |`
  })
  return ['| field | type | default | paper | meaning |', '|---|---|---|---|---|', ...rows].join('\n')
}

/** The page with the table between its marks. */
export function withTable(text: string, table: string): string {
  const from = text.indexOf(marks[0])
  const to = text.indexOf(marks[1], from)
  if (from < 0 || to < 0) throw new Error(`the page lacks the marks ${marks.join(' … ')}`)
  return `${text.slice(0, from + marks[0].length)}\n\n${table}\n\n${text.slice(to)}`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  fs.writeFileSync(page, withTable(fs.readFileSync(page, 'utf8'), configTable()))
}
