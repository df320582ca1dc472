import { defineRecipe } from '../../shared/recipe.ts'
import { pairJudgeFrom } from '../../tasks/pair-judges.ts'
import { preferenceVocabulary, stop, templates } from '../preferences/prompts.ts'
import { sppoConfig, type SppoConfig } from './config.ts'
import { courses } from './lessons.ts'
import { outcomes } from './games.ts'
import { measure, MEASURED, summarise } from './measure.ts'
import { answer, judge, rescore, score } from './phases.ts'

/** SPPO, Self-Play Preference Optimization (Wu et al. 2024): the pure half. workflows/sppo.ts says in which order it happens. */
export const sppo = defineRecipe<SppoConfig>({
  name: 'sppo',
  config: sppoConfig,
  steerable: ['rounds', 'play.prompts', 'play.temperature', 'update.learningRate', 'update.eta', 'update.beta'],
  later: ['rounds', 'play', 'judge', 'update'],
  vocabulary: ({ task }) => preferenceVocabulary(pairJudgeFrom(task)),
  stop,
  templates,
  phases: { answer, judge, score, rescore, measure },
  courses,
  measures: [MEASURED],
  columns: { win_rate: 'win rate', exploitability: 'exploitable', entropy: 'entropy', kl: 'KL' },
  outcomes,
  summarise,
})
