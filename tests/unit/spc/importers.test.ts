import { describe, expect, it } from 'vitest'
import { spcConfig } from '../../../recipes/spc/config.ts'
import { importers } from '../../../recipes/spc/importers.ts'
import type { Judgement } from '../../../shared/recipe.ts'

const task = { name: 'multistep-arithmetic' }
const config = spcConfig.parse({ recipe: 'spc', critique: 'blind', task, model: { context: 296 } })
const trace = (steps: string[], mistake: number | null): string =>
  JSON.stringify({ input: '1 =', steps, target: '1', answer: '1', mistake_index: mistake })
const text = [
  trace(["Let's calculate A = (5 + 3 - 2) = (8 - 2) = 6.", "Let's calculate B = (2 * 4) = 9."], 1),
  trace(["Let's calculate A = (7 - 9) = -2."], null),
].join('\n')

describe('BIG-Bench Mistake, judged by a critic of the run', () => {
  const importer = importers['bigbench-mistake']
  if (!importer) throw new Error('no importer')
  const lines = importer.read(config, text, 'a.jsonl')
  const labels = ['Correct', 'Incorrect', 'Correct']

  /** As `evaluations` holds them: what the critic wrote itself, and its verdict. */
  const judgements = (critiques: [text: string, verdict: string | null][]): Judgement[] =>
    critiques.map(([said, verdict], item) => ({
      item,
      label: labels[item] ?? '',
      verdict,
      kind: 'bigbench-mistake',
      text: said,
    }))

  it('counts the places that it finds and the claims that it works out rightly itself', () => {
    expect(lines).toMatchObject([
      { problem: '5+3-2', step: '6', label: labels[0] },
      { problem: '2*4', step: '9', label: labels[1] },
      { problem: '7-9', step: '¯2', label: labels[2] },
    ])
    const { lines: said, numbers } = importer.conclude(
      config,
      text,
      'a.jsonl',
      judgements([
        ['5+3=8,8-2=6=>Correct.', 'Correct'],
        ['2*4=7=>Incorrect.', 'Incorrect'],
        ['7-9=;', null],
      ]),
    )
    expect(numbers).toMatchObject({
      all: { accuracy: 1, checker: 1 },
      claims: { claimed: 3, readable: 3, worked_out: 1 },
    })
    expect(said[0]).toBe('The critic can read 3 of 3 claims (100.0 %), and works out 1 of those rightly (33.3 %).')
  })

  it('takes the first claim that is called wrong for the place', () => {
    const { numbers } = importer.conclude(
      config,
      text,
      'a.jsonl',
      judgements([
        ['5+3=8,8-2=6=>Incorrect.', 'Incorrect'],
        ['2*4=8=>Incorrect.', 'Incorrect'],
        ['7-9=¯2=>Correct.', 'Correct'],
      ]),
    )
    expect(numbers).toMatchObject({
      all: { accuracy: 0.5 },
      with_a_mistake: { accuracy: 0 },
      claims: { worked_out: 3 },
    })
  })
})
