import { defineRecipe } from '../../shared/recipe.ts'
import { spcConfig, type SpcConfig } from './config.ts'
import { courses } from './courses.ts'
import { importers } from './importers.ts'
import * as phases from './phases.ts'
import { taskOf } from './problems.ts'
import { spcVocabulary, stop, templates } from './prompts.ts'
import { RULE_CHECKS } from './rule.ts'
import { arena, collectNatural, composeSynthetic, suite, suites } from './suites.ts'
import { columns, outcomes, summarise } from './summary.ts'

/** SPC, the Self-Play Critic (Chen et al. 2025): the pure half. workflows/spc.ts says in which order it happens. */
export const spc = defineRecipe<SpcConfig>({
  name: 'spc',
  config: spcConfig,
  steerable: [
    'update.critic.learningRate',
    'update.generator.learningRate',
    'play.problems',
    'play.temperature',
    'rounds',
  ],
  // The arena of round 0 is played at play.temperature.
  later: [
    'rounds',
    'schedule',
    'update',
    'play.problems',
    'play.presolutions',
    'play.mediumSolutions',
    'play.easyKept',
    'play.generator',
    'play.validity',
    'play.rollouts',
    'play.rolloutTemperature',
    'play.critiques',
  ],
  vocabulary: (config) => spcVocabulary(taskOf(config)),
  stop,
  templates,
  phases: {
    ...phases,
    arena,
    'natural/validation': collectNatural('validation'),
    'natural/test': collectNatural('test'),
    'synthetic/validation': composeSynthetic('validation'),
    'synthetic/test': composeSynthetic('test'),
  },
  courses,
  suites,
  suite,
  importers,
  measures: [RULE_CHECKS],
  columns,
  outcomes,
  summarise: (rows) => summarise(rows, ['natural', 'synthetic']),
})
