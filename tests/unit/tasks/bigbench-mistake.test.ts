import { describe, expect, it } from 'vitest'
import { locationAccuracy, parseTraces, readsTraces, readTrace } from '../../../tasks/bigbench-mistake.ts'
import { taskConfig, taskFrom } from '../../../tasks/registry.ts'
import { readEqualities } from '../../../tasks/equalities.ts'
import { hasData, readData } from './shared-data.ts'

const arithmetic = readsTraces(taskFrom(taskConfig.parse({})))

describe('BIG-Bench Mistake', () => {
  it.each([
    ["Let's calculate B = (5 + 3 - -2 * 2) = (5 + 3 - 4) = 4.", [], 2],
    ["Let's calculate A = (5 + 2 * 1 - 6) = (5 + 2 * 1 - 6) = (5 + 2 - 6) = 1.", ['2*1=2'], 2],
    ['Then, the final equation is A + B = 1 + 4 = 5. So the answer is 5', ['1+4=5'], 1],
    ["Let's calculate B = (8 + -7 + 2) = (8 - 7 + 2) = (1 + 2) = 3.", ['8-7=1', '1+2=3'], 3],
    ['This equation can be written as "(A + B)", where A = (5 + 2) and B = (5 + 3 - -2).', [], 0],
    ['C = (60 + 50) = 110', [], 1],
    ['D = (9 - 4 + 1) = (5 + 2) = 7', ['5+2=7'], 2],
  ])('reads %s', (text, steps, claimed) => {
    const read = readEqualities(text)
    expect(read.claims.map(({ step }) => step)).toEqual(steps)
    expect(read.claimed).toBe(claimed)
  })

  it('counts exact locations and the floors beside them', () => {
    const { accuracy, floors } = locationAccuracy([
      { mistake: 1, predicted: 1 },
      { mistake: 2, predicted: 1 },
      { mistake: null, predicted: null },
      { mistake: null, predicted: 2 },
    ])
    expect(accuracy).toBe(0.5)
    expect(floors).toEqual({ 'always step 1': 0.25, 'always step 2': 0.25, 'no mistake': 0.5 })
  })

  it('names the line that is no trace', () => {
    expect(() => parseTraces('{"input":"1+1","steps":["x"],"mistake_index":null}\n{"steps":3}', 'a.jsonl')).toThrow(
      /a\.jsonl, line 2/,
    )
  })

  it.skipIf(!hasData)('reads the real file (skipped where it is absent)', () => {
    const traces = parseTraces(readData('bigbench_mistake/multistep_arithmetic.jsonl'), 'multistep_arithmetic.jsonl')
    expect(traces).toHaveLength(155)
    expect(traces.flatMap((trace) => readTrace(arithmetic, trace).judged).length).toBeGreaterThan(100)
  })
})
