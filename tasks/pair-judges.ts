import { z } from 'zod'
import { fourAnswers, fourAnswersConfig } from './four-answers.ts'
import type { PairJudge } from './pair-judge.ts'
import { pointMass, pointMassConfig } from './point-mass.ts'
import { styledWords, styledWordsConfig } from './styled-words.ts'

/** Every pair judge's fields, as they stand under `task` in a run file. A new one adds its line here … */
export const pairJudgeConfig = z.discriminatedUnion('name', [fourAnswersConfig, pointMassConfig, styledWordsConfig])
export type PairJudgeConfig = z.infer<typeof pairJudgeConfig>

/** … and its line here. */
export function pairJudgeFrom(config: PairJudgeConfig): PairJudge {
  switch (config.name) {
    case 'four-answers':
      return fourAnswers(config)
    case 'point-mass':
      return pointMass(config)
    case 'styled-words':
      return styledWords(config)
  }
}
