/** Wrong steps that a teacher writes: which are asked for, which are in form, and which the solvers confirm. */
import { describe, expect, it } from 'vitest'
import { type SpcTextConfig, spcTextConfig } from '../../../recipes/spc-text/config.ts'
import { courses } from '../../../recipes/spc-text/courses.ts'
import { spcText } from '../../../recipes/spc-text/index.ts'
import { PROBLEMS } from '../../../recipes/spc-text/problems.ts'
import { generatorCompletion, parseSneakyStep, stop } from '../../../recipes/spc-text/prompts.ts'
import { confirmedSteps, teacherOf, write, WRITTEN } from '../../../recipes/spc-text/written.ts'
import { range } from '../../../shared/collections.ts'
import type { ItemRow, Rows } from '../../../shared/recipe.ts'
import { spcText as workflow } from '../../../workflows/spc-text.ts'
import { type Player, playRounds } from '../../support/in-memory.ts'

const server = { url: 'http://127.0.0.1:8000/v1', model: 'qwen' }
const configOf = (supervised: object, rest: object = {}): SpcTextConfig =>
  spcTextConfig.parse({
    recipe: 'spc-text',
    rounds: 0,
    model: { from: 'model' },
    problems: [{ file: 'train.jsonl' }],
    supervised,
    evaluation: { natural: 1 },
    ...rest,
  })
const problems = range(0, 40).map((index): ItemRow => {
  const steps = [`Tom has ${index} + 4 = ${index + 4} pens.`, `So Tom has ${index + 4} pens.`]
  const problem = `Tom has ${index} pens, gets 4.`
  return { round: 0, set: PROBLEMS, item: index, data: { problem, steps, answer: String(index + 4) } }
})

describe('a teacher', () => {
  it('is the published model or a server, which the run file names', () => {
    expect(teacherOf(configOf({}))).toBeNull()
    expect(teacherOf(configOf({ teacher: 'model' }))).toEqual({ role: 'base', version: 0 })
    const served = configOf({ teacher: server })
    const teacher = teacherOf(served)
    expect(teacher).toEqual({ role: 'teacher:qwen', version: 0 })
    expect(teacher && spcText.endpoint(served, teacher)).toMatchObject(server)
    expect(spcText.endpoint(served, { role: 'solver', version: 0 })).toBeNull()
  })

  it.each([
    ['a word that is none', { teacher: 'gpt' }, /rules, model, or/],
    ['a server without a model', { teacher: { url: server.url } }, /rules, model, or/],
    ['nobody, where steps are to be written', { written: 4 }, /name a teacher/],
  ])('is not %s', (_what, supervised, message) => expect(() => configOf(supervised)).toThrow(message))
})

describe('a written step', () => {
  const config = configOf({ teacher: 'model', written: 6 })
  const context = { config, round: 0, phase: 'write', player: { role: 'base', version: 0 }, from: 0, to: 6 }
  const rows: Rows = { items: problems, episodes: [], turns: [] }
  const asked = write.ask?.(context, rows) ?? []
  const kept = (textOf: (type: string, right: string) => string): ItemRow[] => {
    const answers = asked.map((question) => {
      const [, type = ''] = /^Error: (\w+)$/m.exec(question.prompt) ?? []
      const [, right = ''] = /Last step:\n(.*)$/.exec(question.prompt) ?? []
      return { question, texts: [textOf(type, right)], tokens: [1] }
    })
    return write.answer(context, rows, answers).items
  }

  it('is asked for by its kind, of those that arithmetic cannot make, whichever shard it is in', () => {
    const kinds = asked.map(({ prompt }) => /^Error: (\w+)$/m.exec(prompt)?.[1])
    expect(kinds).toEqual(['logic', 'approach', 'logic', 'approach', 'logic', 'approach'])
    expect(asked[0]?.prompt).toContain('of this kind: logic (a conclusion that does not follow)')
    expect(write.ask?.({ ...context, from: 4 }, rows)).toEqual(asked.slice(4))
  })

  it('is kept in the form, of the kind and where it differs from the right one', () => {
    const told = (type: string, step: string) => `Error: ${type}\nChange: a becomes b\nWrong step: ${step}${stop}`
    const items = kept((type) => told(type, 'So Tom has none.'))
    expect(items.map(({ set, data }) => [set, data['step'], data['teacher']])).toEqual(
      range(0, 6).map(() => [WRITTEN, 'So Tom has none.', 'base@0']),
    )
    expect(kept((type, right) => told(type, right))).toEqual([])
    expect(kept(() => told('calculation', 'So Tom has none.'))).toEqual([])
    expect(kept((type) => told(type, 'So Tom has none.').slice(0, -stop.length))).toEqual([])
    expect(kept(() => 'I would rather not.')).toEqual([])
  })
})

describe('round 0 with a teacher that writes', () => {
  const config = configOf(
    { pairs: 8, teacher: server, written: 12, critiques: 2 },
    { solvers: [{ policy: 'base' }, { policy: 'solver' }] },
  )
  /** Every third of the teacher's steps is harmless, and from every fourth right step the solver does not get home. */
  const says: Player = ({ prompt, phase, question, sample }, { role }) => {
    const item = Number(question.key.split('/')[0])
    const [, count = ''] = /Tom has (\d+) pens/.exec(prompt) ?? []
    const right = `The answer is ${Number(count) + 4}.${stop}`
    if (phase === 'write') {
      const [, type = ''] = /^Error: (\w+)$/m.exec(prompt) ?? []
      return text(`Error: ${type}\nChange: a becomes b\nWrong step: Step ${item} is ${type}.${stop}`)
    }
    if (phase === 'teach') return text(`Verdict: ${sample === 0 ? 'Incorrect' : 'Correct'}${stop}`)
    if (!phase.startsWith('confirm')) return text(`${role}\n\n${right}`)
    const lost = question.key.endsWith('wrong') ? item % 3 > 0 : item % 4 === 3
    return text(lost ? `The answer is 0.${stop}` : right)
  }
  const text = (said: string) => ({ text: said, tokens: 1 })
  const played = playRounds(spcText, workflow, config, says, problems)
  const confirmed = range(0, 12).filter((item) => item % 3 > 0 && item % 4 !== 3)

  it('keeps the steps that break the solvers’ way, and only them', async () => {
    const { items } = await played
    expect(confirmedSteps(items).map(({ step }) => step)).toEqual(
      confirmed.map((item) => `Step ${item} is ${item % 2 === 0 ? 'logic' : 'approach'}.`),
    )
    const written = items.filter(({ set }) => set === WRITTEN)
    expect(written.map(({ data }) => data['solver'])).toEqual(
      range(0, 12).map((item) => ['base@0', 'solver@0'][item % 2]),
    )
    expect(written.map(({ data }) => data['invalidBecause'])).toEqual(
      range(0, 12).map((item) =>
        item % 4 === 3 ? 'the original step fails' : item % 3 === 0 ? 'the sneaky step does no harm' : null,
      ),
    )
  })

  it('teaches the generator the types that rules do not make, and the critic to judge such steps', async () => {
    const rows = await played
    const lesson = (learner: string) =>
      courses[`supervise ${learner}`]?.lesson({ config, round: 0, phase: `update ${learner}` }, rows)
    expect(lesson('generator')?.report).toMatchObject({
      supervisedRows: 8 + confirmed.length,
      types: { logic: 4, approach: 2 },
    })
    const taught = range(0, 8).flatMap((step) => lesson('generator')?.batch(step) ?? [])
    const step = 'Step 1 is approach.'
    expect(taught.map(({ completion }) => completion)).toContain(
      generatorCompletion({ type: 'approach', explanation: 'a becomes b', step }),
    )
    for (const { completion } of taught) expect(parseSneakyStep(completion)).not.toBeNull()
    // Both steps of every pair: the teacher comes to either verdict in one of its two critiques.
    expect(lesson('critic')?.report).toMatchObject({ supervisedRows: 2 * (8 + confirmed.length) })
  })
})
