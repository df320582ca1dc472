/** A whole check, by solvers and critics whose every word the test chooses. */
import { describe, expect, it } from 'vitest'
import { balance, balancedAccuracy } from '../../../recipes/self-check/balanced.ts'
import { type SelfCheckConfig, selfCheckConfig } from '../../../recipes/self-check/config.ts'
import { check } from '../../../recipes/self-check/measure.ts'
import { criticise, sample, vote } from '../../../recipes/self-check/phases.ts'
import { CHECKED, readChecked } from '../../../recipes/self-check/rows.ts'
import { readJudgedStep } from '../../../recipes/spc/games.ts'
import { solverCompletion } from '../../../recipes/spc/prompts.ts'
import type { Answer, ItemRow, PlayContext, Question, Rows } from '../../../shared/recipe.ts'
import { taskFrom } from '../../../tasks/registry.ts'

const parse = (value: object): SelfCheckConfig => selfCheckConfig.parse({ recipe: 'self-check', ...value })
const config = parse({
  task: { operands: [2, 2], multiplications: 0 },
  check: { problems: 3, answers: 4, spareAnswers: 4 },
  evaluation: { balanced: 3 },
})
const task = taskFrom(config.task)
const player = { role: 'critic', version: 1 }
const context = (phase: string): PlayContext<SelfCheckConfig> => ({ config, round: 1, phase, player, from: 0, to: 3 })

const questions = sample.ask?.({ ...context('sample'), round: 0 }, { items: [], episodes: [], turns: [] }) ?? []
const problems = questions.map(({ prompt }) => prompt.slice(0, -1))
/** The step `a+b=c` with a result that is off. */
const solution = (problem: string, off: number): string => {
  const [step = ''] = task.solve(problem)
  const [left, result] = step.split('=')
  return solverCompletion([`${left}=${(Number(result) + off + 100) % 100}`])
}
const answered = (question: Question, texts: string[]): Answer => ({ question, texts, tokens: texts.map(() => 6) })

/** Problem 0 has a wrong majority in doubt, problem 1 a right one in doubt, problem 2 is certain. */
const said = [
  [1, 1, 0, 7, 0, 0, 0, 0],
  [0, 0, 1, 1, 1, 1, 1, 1],
  [0, 0, 0, 1, 0, 0, 0, 0],
]
const sampled = sample.answer(
  { ...context('sample'), round: 0 },
  { items: [], episodes: [], turns: [] },
  questions.map((question, index) =>
    answered(
      question,
      (said[index] ?? []).map((off) => solution(problems[index] ?? '', off)),
    ),
  ),
)
const rows: Rows = { items: sampled.items.filter(({ set }) => set === 'problems'), episodes: [], turns: [] }
const critiques = criticise.ask?.(context('criticise'), rows) ?? []

/** The check by a critic that answers as told. */
function checkedBy(judge: (question: Question) => string): ItemRow[] {
  const played = criticise.answer(
    context('criticise'),
    rows,
    critiques.map((question) => answered(question, [judge(question)])),
  )
  return vote.answer(context('vote'), { ...rows, ...played, items: rows.items }, []).items
}
const right = (question: Question): boolean => {
  const [problem = '', rest = ''] = question.prompt.split(':')
  return task.check(problem, [], rest.replace('?', ''))
}
const results = (items: readonly ItemRow[]) => items.map((row) => readChecked(row))

describe('a check', () => {
  it('asks about one solution of each distinct answer, of the doubted majorities alone', () => {
    expect(critiques.map(({ key }) => key)).toEqual(['0/0/0', '0/1/0', '0/2/0', '1/0/0', '1/1/0'])
  })

  it('asks about every solution where the run says so', () => {
    const all = parse({ ...config, check: { ...config.check, candidates: 'solutions' } })
    expect(criticise.ask?.({ ...context('criticise'), config: all }, rows)).toHaveLength(8)
  })

  it('mends the wrong majority with a perfect critic', () => {
    const items = checkedBy((question) => `1+1=2=>${right(question) ? 'Correct' : 'Incorrect'}.`)
    expect(items.every(({ set, round }) => set === CHECKED && round === 1)).toBe(true)
    const found = results(items)
    expect(found.map((row) => row.right.majority)).toEqual([false, true, true])
    expect(found.map((row) => row.right.checked)).toEqual([true, true, true])
    expect(found.map((row) => row.right.checker)).toEqual([true, true, true])
    expect(found.map((row) => row.uncertain)).toEqual([true, true, false])
    expect(check(found)).toMatchObject({ right: 1, wrong: 1, informedness: 1, uncertain: 2 / 3 })
  })

  it('breaks the right majority with a critic that is always wrong', () => {
    const found = results(checkedBy((question) => `1+1=2=>${right(question) ? 'Incorrect' : 'Correct'}.`))
    expect(found.map((row) => row.right.checked)).toEqual([false, false, true])
    expect(check(found)?.informedness).toBe(-1)
  })

  it('keeps the majority when every candidate is dropped, and when no verdict can be read', () => {
    for (const text of ['1+1=2=>Incorrect.', 'what?']) {
      const found = results(checkedBy(() => text))
      expect(found.map((row) => row.right.checked)).toEqual([false, true, true])
      expect(check(found)?.unreadable).toBe(text === 'what?' ? 1 : 0)
    }
  })

  it('spends the critic’s tokens on further votes, rounded up: 18 tokens for problem 0, 12 for problem 1', () => {
    const found = results(checkedBy(() => '1+1=2=>Correct.'))
    expect(found.map(({ tokens }) => tokens)).toEqual([18, 12, 0])
    // Votes 1 1 0 7 and then 0 0 0: the right answer overtakes. Votes 0 0 1 1 and then 1 1: the right one is overtaken.
    expect(found.map((row) => row.right.moreVotes)).toEqual([true, false, true])
  })

  it('deals out exactly the critic’s verdicts in the shuffled control', () => {
    const dropped = results(checkedBy(() => '1+1=2=>Incorrect.'))
    expect(dropped.map((row) => row.right.shuffled)).toEqual(dropped.map((row) => row.right.checked))
  })
})

it('counts what a critic of values works out and what it says of the values, each once', () => {
  const values = parse({
    task: { name: 'multistep-arithmetic' },
    model: { context: 296 },
    critique: 'values',
    check: { problems: 1, answers: 2, spareAnswers: 2 },
    evaluation: { balanced: 1 },
  })
  const at = (phase: string): PlayContext<SelfCheckConfig> => ({ ...context(phase), config: values, to: 1 })
  const empty: Rows = { items: [], episodes: [], turns: [] }
  const asked = sample.ask?.({ ...at('sample'), round: 0 }, empty) ?? []
  const wrongAndRight = asked.map((question) => {
    const [working = ''] = taskFrom(values.task).solve(question.prompt.slice(0, -1))
    return answered(question, ['1.', `${working}.`, '1.', '1.'])
  })
  const { items } = sample.answer({ ...at('sample'), round: 0 }, empty, wrongAndRight)
  const read = { ...empty, items: items.filter(({ set }) => set === 'problems') }
  const judged = (criticise.ask?.(at('criticise'), read) ?? []).map((question): Answer => {
    const [working = ''] = taskFrom(values.task).solve(question.prompt.slice(0, -1))
    const first = { prompt: question.prompt, text: `${working}.`, tokens: 20 }
    const prompt = question.next?.([first.text]) ?? ''
    const [own = '', claimed = ''] = prompt.slice(1, -1).split('>')
    const last = { prompt, text: `=>${own === claimed ? 'Correct' : 'Incorrect'}.`, tokens: 2 }
    return { question, texts: [last.text], tokens: [22], turns: [[first, last]] }
  })
  const played = criticise.answer(at('criticise'), read, judged)
  expect(played.turns.map(({ tokens }) => tokens)).toEqual([20, 2, 20, 2])
  const [found] = results(vote.answer(at('vote'), { ...read, ...played, items: read.items }, []).items)
  expect(found).toMatchObject({ tokens: 44, right: { checked: true } })
})

describe('the balanced suite', () => {
  const { items } = balance.answer({ ...context('balance'), round: 0 }, rows, [])
  it('has a right solution and the most frequent wrong one of each problem that has both', () => {
    const lines = items.map(readJudgedStep)
    expect(lines.map(({ kind, label }) => `${kind} ${label}`)).toEqual(
      [0, 1, 2].flatMap(() => ['right Correct', 'wrong Incorrect']),
    )
    expect(new Set(items.map(({ item }) => item)).size).toBe(items.length)
  })
  it('scores whole solutions: one step called Incorrect condemns it', () => {
    const line = (item: number, kind: string, verdict: string | null) => {
      return { suite: 'balanced', role: 'critic', version: 0, item, kind, label: '', text: '', verdict }
    }
    const lines = [
      line(0, 'right', 'Correct'),
      line(1, 'right', 'Correct'),
      line(3, 'wrong', 'Correct'),
      line(4, 'wrong', 'Incorrect'),
      line(6, 'right', 'Incorrect'),
      line(7, 'right', null),
      line(9, 'wrong', 'Correct'),
      line(10, 'wrong', 'Incorrect'),
    ]
    expect(balancedAccuracy(lines)).toBe(0.75)
    expect(balancedAccuracy(lines.slice(0, 2))).toBeNull()
  })
})

it('the configuration names the field that is wrong', () => {
  expect(() => parse({ check: { problems: 10 } })).toThrow(/must not be more than check.problems/)
  expect(() => parse({ model: { context: 20 } })).toThrow(/too short/)
})
