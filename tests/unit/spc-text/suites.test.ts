/** Benchmarks as suites of chat critics: what two critics are compared in. */
import { expect, test } from 'vitest'
import { spcTextConfig } from '../../../recipes/spc-text/config.ts'
import { importers, suite, suites } from '../../../recipes/spc-text/suites.ts'
import type { Judgement } from '../../../shared/recipe.ts'

const config = spcTextConfig.parse({
  recipe: 'spc-text',
  model: { from: 'model' },
  problems: [{ file: 'train.jsonl' }],
})
const record = (id: string, label: number): string =>
  JSON.stringify({ id, problem: 'What is 1 + 1 + 1?', steps: ['1 + 1 = 2', '2 + 1 = 4', 'It is 4.'], label })
const text = [record('gsm8k-0', 1), record('gsm8k-1', -1), record('gsm8k-2', 1)].join('\n')

test('whole solutions are compared in the place of the first error, each one once', () => {
  const verdicts = [
    ['Correct', 'Incorrect', 'Incorrect'], // the place of its error
    ['Correct', 'Correct', 'Correct'], // none, as it is
    ['Correct', null, 'Incorrect'], // open: the step before cannot be read
  ].flat()
  const judgements = verdicts.map((verdict, item): Judgement => ({ item, verdict, label: '', kind: '', text: '' }))
  const { processbench } = importers
  expect(processbench?.read(config, text, 'a file')).toHaveLength(9)
  expect(processbench?.outcomes?.(config, text, 'a file', judgements)).toEqual([
    { label: 'Incorrect', right: true, group: 'gsm8k' },
    { label: 'Correct', right: true, group: 'gsm8k' },
    { label: 'Incorrect', right: false, group: 'gsm8k' },
  ])
  expect(importers['processbench-steps']?.outcomes).toBeUndefined()
})

test('a suite samples as often and as hot as it is asked to', () => {
  expect(suites).toEqual(['natural/validation', 'natural/test'])
  for (const name of [...suites, 'processbench/0a1b']) {
    expect(suite(name)?.sampling(config, 8, 0.7)).toMatchObject({ samples: 8, temperature: 0.7 })
  }
  expect(suite('natural/train')).toBeNull()
})
