import { defineRecipe, type Suite } from '../../shared/recipe.ts'
import { readJudgedStep } from '../spc/games.ts'
import { summarise } from '../spc/summary.ts'
import { spcTextConfig, type SpcTextConfig } from './config.ts'
import { courses } from './courses.ts'
import { label } from './labelled.ts'
import { collectNatural, criticise, deceive, presolve, reward, solve, validate } from './phases.ts'
import { problemFile } from './problems.ts'
import { stop, templates } from './prompts.ts'
import { textWording } from './wording.ts'

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
  files: (config) => [problemFile(config)],
  phases: {
    label,
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
  suite: (name) => (/^natural\/(validation|test)$/.test(name) ? judgedSteps(name) : null),
  columns: {
    correct: 'correct',
    wrong: 'wrong',
    mean: 'mean',
    harmonic: 'harmonic',
    invalid: 'invalid',
    attack_rate: 'attack',
    fooling_rate: 'fooling',
  },
  outcomes: { fooling: 'the critic was fooled', detected: 'the critic caught it', invalid: 'no valid game' },
  summarise: (rows) => summarise(rows, ['natural']),
})

/** Steps of a set of round 0, judged greedily. */
function judgedSteps(name: string): Suite<SpcTextConfig> {
  return {
    summary: `Steps of ${name}`,
    set: { round: 0, name },
    items: ({ evaluation }) => evaluation.natural,
    maximumNewTokens: ({ tokens }) => tokens.critique,
    ask: (config, row) => textWording(config).critiqueQuestion(String(row.item), readJudgedStep(row)),
    judge(config, row, answer) {
      const { label: truth, kind } = readJudgedStep(row)
      const [critique] = textWording(config).critiques(answer)
      return { item: row.item, label: truth, kind, text: critique?.text ?? '', verdict: critique?.verdict ?? null }
    },
  }
}
