/** The tables of a study: means and intervals over seeds, arms against the first one, places, and what charts draw. */
import { describe, expect, it } from 'vitest'
import { chartLines, trainingWork } from '../../../cli/study-chart.ts'
import { compared, studyTable } from '../../../cli/study-table.ts'

/** What every run of a results file says beside its numbers. */
const provenance = { commit: 'a', machine: 'm', config: {} }
const about = { study: 's', title: 't', command: 'c', columns: ['mean'], charts: [] }

describe('the tables of a study', () => {
  it('show the last round of each arm, mean and interval over seeds', () => {
    const rounds = (score: number) => [
      { round: 0, numbers: { mean: 0.1 } },
      { round: 1, numbers: { mean: score } },
    ]
    const runs = [1, 2, 3].map((seed) => ({
      ...provenance,
      arm: 'spc',
      seed,
      run: `s${seed}`,
      rounds: rounds(seed / 10),
    }))
    const table = studyTable({ ...about, runs })
    expect(table).toContain('| round 0 (all arms) | 3 | 0.100 |')
    expect(table).toContain('| spc | 3 | 0.200 ± 0.248 |')
    expect(table).not.toContain('paired')
  })

  it('compare the first arm with each other one, seed by seed', () => {
    const run = (arm: string, seed: number, mean: number | null) => {
      return { ...provenance, arm, seed, run: `${arm}${seed}`, rounds: [{ round: 0, numbers: { mean } }] }
    }
    // Seeds differ by far more than arms do; the pairs tell the arms apart all the same.
    const ours = [0.1, 0.5, 0.9].map((mean, index) => run('ours', index + 1, mean))
    const theirs = [0.08, 0.49, 0.87].map((mean, index) => run('theirs', index + 1, mean))
    expect(studyTable({ ...about, runs: [...ours, ...theirs] })).toContain('| ours − theirs | 3 | 0.020 ± 0.025 |')
    const unfinished = [...theirs.slice(0, 2), run('theirs', 3, null)]
    expect(studyTable({ ...about, runs: [...ours, ...unfinished] })).toContain('| ours − theirs | 2 |')
    const others = [0.3, 0.3, 0.3].map((mean, index) => run('others', index + 1, mean))
    const of = (...paired: string[]): string[] =>
      studyTable({ ...about, paired, runs: [...ours, ...theirs, ...others] }).match(/ours − \w+|paired/g) ?? []
    expect(of()).toEqual([])
    expect(of('others')).toEqual(['paired', 'ours − others'])
  })

  it('name the arms of a round 0 that others do not share', () => {
    const run = (arm: string, seed: number, start: number) => {
      const rounds = [start, 0.9].map((mean, round) => ({ round, numbers: { mean } }))
      return { ...provenance, arm, seed, run: `${arm}${seed}`, rounds }
    }
    const runs = [run('a', 1, 0.1), run('a', 2, 0.3), run('b', 1, 0.1), run('c', 1, 0.4), run('c', 2, 0.4)]
    const table = studyTable({ ...about, runs })
    expect(table).toContain('| round 0 (a, b) | 2 | 0.200 |')
    expect(table).toContain('| round 0 (c) | 2 | 0.400 |')
    expect(table).not.toContain('all arms')
    const apart = [run('a', 1, 0.1), run('b', 2, 0.1)]
    const ofTwo = studyTable({
      study: 's',
      title: 't',
      command: 'c',
      columns: ['mean'],
      charts: [],
      runs: apart,
    })
    expect(ofTwo).toContain('| round 0 (a) | 1 | 0.100 |')
  })

  it('show no round 0 of runs that have no other', () => {
    const run = (arm: string, rounds: number[]) => {
      const told = rounds.map((mean, round) => ({ round, numbers: { mean } }))
      return { ...provenance, arm, seed: 1, run: arm, rounds: told }
    }
    expect(studyTable({ ...about, runs: [run('a', [0.1])] })).not.toContain('round 0')
    expect(studyTable({ ...about, runs: [run('a', [-1e-17])] })).toContain('| a | 1 | 0.000 |')
    expect(studyTable({ ...about, runs: [run('a', [-0.02])] })).toContain('| a | 1 | -0.020 |')
    expect(studyTable({ ...about, runs: [run('a', [0.1]), run('b', [0.2, 0.3])] })).toContain(
      '| round 0 (b) | 1 | 0.200 |',
    )
  })

  it('say which commits and machines the runs are from', () => {
    const runs = ['a', 'b', 'a'].map((commit, seed) => {
      return { ...provenance, commit, arm: 'x', seed, run: `x${seed}`, rounds: [] }
    })
    expect(studyTable({ ...about, runs })).toContain('commit a; b, m.')
  })

  describe('that compare where a number reaches a value', () => {
    const rounds = [
      { round: 0, numbers: { kl: 0, score: null } },
      { round: 1, numbers: { kl: 0.5, score: 0.2 } },
      { round: 2, numbers: { kl: 0.3, score: 0.9 } },
      { round: 3, numbers: { kl: 1.3, score: 0.4 } },
    ]
    const at = (value: number) => compared(rounds, 'score', { column: 'kl', value })
    it('read between the two rounds around the first crossing', () => {
      expect(at(0.8)).toBeCloseTo(0.65) // Half of the way from .3 to 1.3.
      expect(at(0.4)).toBe(0.2) // Round 0 has no score to start the line from.
      expect(at(1.3)).toBeCloseTo(0.4)
    })
    it('leave out what never gets there, and say so', () => {
      expect(at(2)).toBeNull()
      const runs = [1, 2].map((seed) => ({
        ...provenance,
        arm: 'a',
        seed,
        run: `a${seed}`,
        rounds: seed === 1 ? rounds : [rounds[0]!],
      }))
      const found = { ...about, columns: ['score'], runs }
      const table = studyTable({ ...found, match: { column: 'kl', at: [0.8, 2] } })
      expect(table).toContain('Where kl first reaches 0.8:')
      expect(table).toContain('| a | 1 of 2 | 0.650 |')
      expect(table).toContain('| a | 0 of 2 | – |')
    })
  })

  describe('that draw charts', () => {
    const config = { model: { width: 10, layers: 2, heads: 2, keyValueHeads: 1, hidden: 20 } }
    const run = (arm: string, seed: number, means: readonly (number | null)[]) => ({
      ...provenance,
      config,
      arm,
      seed,
      run: `${arm}${seed}`,
      rounds: means.map((mean, round) => ({ round, numbers: { mean }, trained: 1e9 })),
    })
    const runs = [run('a', 1, [0.1, 0.3, 0.5]), run('a', 2, [0.3, 0.5]), run('b', 1, [0.2, null])]
    const charts = [{ title: 'means', column: 'mean', along: 'rounds' as const }]
    const found = { ...about, charts, runs }

    it('show the rounds that every seed of an arm has measured', () => {
      expect(chartLines(found, charts[0]!)).toEqual([
        {
          arm: 'a',
          points: [
            { x: 0, values: [0.1, 0.3] },
            { x: 1, values: [0.3, 0.5] },
          ],
        },
        { arm: 'b', points: [{ x: 0, values: [0.2] }] },
      ])
      const table = studyTable(found)
      expect(table).toContain('| mean, round | 0 | 1 |')
      expect(table).toContain('| b | 0.200 | – |')
      expect(table).toContain('![means](charts/s-mean-by-rounds.svg)')
    })

    it('count six operations per weight and token until then', () => {
      // Two layers of 2 · 10² + 2 · 10 · 5 + 3 · 10 · 20 = 900 weights.
      expect(trainingWork(runs[0]!, 1)).toBeCloseTo((6 * 1800 * 2e9) / 1e12)
      const { trained: _trained, ...first } = runs[0]!.rounds[0]!
      expect(() => trainingWork({ ...runs[0]!, rounds: [first] }, 0)).toThrow('do not say how many tokens')
    })
  })
})
