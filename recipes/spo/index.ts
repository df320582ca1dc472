import { defineRecipe } from '../../shared/recipe.ts'
import { pairJudgeFrom } from '../../tasks/pair-judges.ts'
import { preferenceVocabulary, stop, templates } from '../preferences/prompts.ts'
import { spoConfig, type SpoConfig } from './config.ts'
import { courses } from './lessons.ts'
import { measure, MEASURED, summarise } from './measure.ts'
import { answer, collect, compare, fit, reward, score } from './phases.ts'

/** SPO, Self-Play Preference Optimization (Swamy et al. 2024): the pure half. workflows/spo.ts says in which order it happens. */
export const spo = defineRecipe<SpoConfig>({
  name: 'spo',
  config: spoConfig,
  steerable: ['update.learningRate', 'update.eta', 'reward.entropy'],
  later: ['rounds', 'play', 'judge', 'reward', 'update'],
  vocabulary: ({ task }) => preferenceVocabulary(pairJudgeFrom(task)),
  stop,
  templates,
  phases: { answer, collect, compare, fit, score, reward, measure },
  courses,
  measures: [MEASURED],
  columns: { exploitability_average: 'average', exploitability_last: 'last', win_rate: 'win rate', entropy: 'entropy' },
  summarise,
})
