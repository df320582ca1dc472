import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type BaseConfig, defineRecipe, type Phase, phaseOf } from '../../../shared/recipe.ts'
import { Vocabulary } from '../../../shared/vocabulary.ts'

const phase = (summary: string): Phase<BaseConfig> => ({
  summary,
  items: () => 0,
  answer: () => ({ items: [], episodes: [], turns: [] }),
})
const recipe = defineRecipe<BaseConfig>({
  name: 'made up',
  config: z.any(),
  vocabulary: () => new Vocabulary(['.']),
  stop: '.',
  templates: [],
  phases: { retry: phase('retry'), 'natural/test': phase('natural test'), 'retry/critic': phase('by the critic') },
  courses: {},
  summarise: () => ({ score: null, numbers: {} }),
})

describe('the phase of a name', () => {
  it.each([
    ['retry', 'retry'],
    ['natural/test', 'natural test'],
    ['retry/2/1', 'retry'],
    ['retry/critic/2/1', 'by the critic'],
  ])('%s is played by %s', (name, summary) => {
    expect(phaseOf(recipe, name)?.summary).toBe(summary)
  })

  it.each(['natural', 'natural/validation', 'retrying/1', ''])('%s is played by none', (name) => {
    expect(phaseOf(recipe, name)).toBeNull()
  })
})
