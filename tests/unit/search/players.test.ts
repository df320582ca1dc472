/** Whose critic judges, where a run of SPC lends its players. */
import { describe, expect, it } from 'vitest'
import { searchConfig } from '../../../recipes/search/config.ts'
import { search } from '../../../recipes/search/index.ts'

const fromOf = (course: string, round: number, from: object | null) => {
  const config = searchConfig.parse({ recipe: 'search', players: { from } })
  return search.courses[course]?.from({ config, round, phase: course })
}

describe('players of a run of SPC', () => {
  it('are its solver, and the critics of every so many of its rounds', () => {
    expect(fromOf('solver', 0, { run: 'spc' })).toEqual({ run: 'spc', role: 'weak-solver', version: 0 })
    expect(fromOf('base critic', 0, { run: 'spc', every: 3 })).toEqual({ run: 'spc', role: 'critic', version: 0 })
    expect(fromOf('critic', 2, { run: 'spc', every: 3 })).toEqual({ run: 'spc', role: 'critic', version: 6 })
    expect(fromOf('critic', 2, { run: 'spc' })).toEqual({ run: 'spc', role: 'critic', version: 2 })
  })

  it('are made here without one, each critic from the one before', () => {
    expect(fromOf('solver', 0, null)).toBeNull()
    expect(fromOf('critic', 2, null)).toEqual({ role: 'critic', version: 1 })
  })
})
