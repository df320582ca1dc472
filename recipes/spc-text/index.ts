import { defineRecipe } from '../../shared/recipe.ts'
import { columns, outcomes, summarise } from '../spc/summary.ts'
import { spcTextConfig, type SpcTextConfig } from './config.ts'
import { courses } from './courses.ts'
import { label, teach } from './labelled.ts'
import { collectNatural, criticise, deceive, presolve, reward, solve, validate } from './phases.ts'
import { problemFiles, ratedFile } from './problems.ts'
import { stop, templates } from './prompts.ts'
import { solverEndpoint } from './solvers.ts'
import { importers, suite, suites } from './suites.ts'
import { confirm, teacherEndpoint, write } from './written.ts'

/** SPC on word problems, with a published model: the game of recipes/spc in English. */
export const spcText = defineRecipe<SpcTextConfig>({
  name: 'spc-text',
  config: spcTextConfig,
  steerable: [
    'update.critic.learningRate',
    'update.generator.learningRate',
    'play.problems',
    'play.temperature',
    'rounds',
  ],
  later: ['rounds', 'schedule', 'update', 'play'],
  vocabulary: () => null,
  stop,
  templates,
  endpoint: (config, player) => solverEndpoint(config, player) ?? teacherEndpoint(config, player),
  files: (config) => [
    ...problemFiles(config),
    ...(config.supervised.file === null ? [] : [ratedFile(config, config.supervised.file)]),
  ],
  phases: {
    label,
    write,
    confirm,
    teach,
    presolve,
    solve,
    deceive,
    validate,
    criticise,
    reward,
    'natural/validation': collectNatural('validation'),
    'natural/test': collectNatural('test'),
  },
  courses,
  suites,
  suite,
  importers,
  columns,
  outcomes,
  summarise: (rows) => summarise(rows, ['natural']),
})
