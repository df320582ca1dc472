import { policyName } from '../../shared/ids.ts'
import type { Recipe } from '../../shared/recipe.ts'
import { recalls } from '../../shared/statistics.ts'
import { spcConfig, type SpcConfig } from './config.ts'
import { courses } from './courses.ts'
import { importers } from './importers.ts'
import * as phases from './phases.ts'
import { taskOf } from './problems.ts'
import { spcVocabulary, stop, templates } from './prompts.ts'
import { RULE_CHECKS, ruleQuality } from './rule.ts'
import { arena, collectNatural, composeSynthetic, suite } from './suites.ts'

/** SPC, the Self-Play Critic (Chen et al. 2025): the pure half. workflows/spc.ts says in which order it happens. */
export const spc: Recipe<SpcConfig> = {
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
  suite,
  importers,
  measures: [RULE_CHECKS],
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
  summarise({ round, evaluations, outcomes, measured }) {
    const critic = { role: 'critic', version: round }
    const judged = (suiteName: string) =>
      recalls(evaluations.filter((row) => row.suite === suiteName && policyName(row) === policyName(critic)))
    const natural = judged('natural/test')
    const synthetic = judged('synthetic/test')
    const validation = judged('natural/validation')
    const { invalid = 0, detected = 0, fooling = 0 } = outcomes
    const games = invalid + detected + fooling
    const rule = ruleQuality(measured)
    return {
      score: natural.harmonic,
      numbers: {
        correct: natural.correct,
        wrong: natural.wrong,
        mean: natural.mean,
        harmonic: natural.harmonic,
        invalid: natural.invalid,
        attack_rate: games > 0 ? (detected + fooling) / games : null,
        fooling_rate: detected + fooling > 0 ? fooling / (detected + fooling) : null,
        rule_precision: rule.precision,
        rule_recall: rule.recall,
        synthetic_correct: synthetic.correct,
        synthetic_wrong: synthetic.wrong,
        synthetic_mean: synthetic.mean,
        synthetic_harmonic: synthetic.harmonic,
        validation_correct: validation.correct,
        validation_wrong: validation.wrong,
        validation_mean: validation.mean,
        validation_harmonic: validation.harmonic,
      },
    }
  },
}
