import { defineRecipe } from '../../shared/recipe.ts'
import { taskFrom } from '../../tasks/registry.ts'
import { playersCourses } from '../players/courses.ts'
import { spcVocabulary, stop, templates } from '../spc/prompts.ts'
import { balance, balanced, BALANCED } from './balanced.ts'
import { BUDGET } from './budget.ts'
import { selfCheckConfig, type SelfCheckConfig } from './config.ts'
import { summarise } from './measure.ts'
import { criticise, outcomes, sample, vote } from './phases.ts'
import { poolSuite, solutionPool } from './pools.ts'
import { CHECKED } from './rows.ts'

/** Self-check (CriticBench, Luo et al. 2023): the pure half. workflows/self-check.ts says in which order it happens. */
export const selfCheck = defineRecipe<SelfCheckConfig>({
  name: 'self-check',
  config: selfCheckConfig,
  // Round 0 makes the players, samples the votes and checks them for the first time.
  later: ['rounds', 'players.critic'],
  vocabulary: ({ task }) => spcVocabulary(taskFrom(task)),
  stop,
  templates,
  phases: { sample, balance, criticise, vote },
  courses: playersCourses('self-check'),
  suites: [BALANCED],
  suite: (name) => (name === BALANCED ? balanced : poolSuite(name)),
  importers: { 'solution-pool': solutionPool },
  measures: [CHECKED, BUDGET],
  columns: {
    majority: 'majority',
    checked: 'checked',
    more_votes: 'more votes',
    gain: 'gain',
    informedness: 'informed',
    balanced: 'balanced',
  },
  outcomes,
  summarise,
})
