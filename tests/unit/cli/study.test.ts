import { describe, expect, it } from 'vitest'
import { layOver, readStudy, runName, studyTable } from '../../../cli/study.ts'
import { parseConfig } from '../../../recipes/registry.ts'
import { runNamePattern } from '../../../shared/ids.ts'

describe('studies', () => {
  it('have arms that are valid configurations, differ, and make valid run names', () => {
    const study = readStudy('spc-arms')
    const configs = Object.entries(study.arms).map(([arm, over]) => {
      expect(runName('spc-arms', arm, 3)).toMatch(runNamePattern)
      return JSON.stringify(parseConfig(layOver(study.run, over), arm).config)
    })
    expect(new Set(configs).size).toBe(configs.length)
  })

  it('lay an arm over the run, group by group', () => {
    expect(layOver({ a: 1, play: { x: 1, y: 2 } }, { play: { y: 3 } })).toEqual({ a: 1, play: { x: 1, y: 3 } })
  })

  it('name the studies there are', () => {
    expect(() => readStudy('nothing')).toThrow('there is no study nothing')
  })

  it('show the last round of each arm, mean and interval over seeds', () => {
    const rounds = (score: number) => [
      { round: 0, numbers: { mean: 0.1 } },
      { round: 1, numbers: { mean: score } },
    ]
    const runs = [1, 2, 3].map((seed) => ({ arm: 'spc', seed, run: `s${seed}`, rounds: rounds(seed / 10) }))
    const table = studyTable({
      study: 's',
      title: 't',
      command: 'c',
      commit: 'a',
      machine: 'm',
      columns: ['mean'],
      runs,
    })
    expect(table).toContain('| round 0 (all arms) | 3 | 0.100 |')
    expect(table).toContain('| spc | 3 | 0.200 ± 0.248 |')
  })
})
