import { range } from '../../shared/collections.ts'
import type { Course, LossTerm, OptimizerConfig } from '../../shared/recipe.ts'
import type { SpcConfig } from './config.ts'
import { learnsSettled, type VerdictWords } from './credit.ts'
import { beforeVerdict, comparedClaims } from './critique.ts'
import { critiqueLength, deceptionLength, verdictLength } from './lengths.ts'
import { type Learner, type Learning, playLesson, supervisedLesson, type Supply } from './lessons.ts'
import { taskOf } from './problems.ts'
import { parseVerdict, verdictMarks } from './prompts.ts'
import { opponents } from './schedule.ts'
import { baseExample, supervisedExamples } from './supervised.ts'

/** The updates of a run: two base models, two supervised players, and the update by play. */
type SpcCourse = Course<SpcConfig>
const nll: LossTerm[] = [{ term: 'nll', weight: 1 }]

/** Base models stand on their own: random weights, no games, the task's own texts. */
function pretrain(name: string, summary: string, settingOf: (config: SpcConfig) => BaseSetting): SpcCourse {
  return {
    summary,
    rounds: () => [],
    from: () => null,
    reference: () => null,
    loss: () => nll,
    optimizer: (config) => optimizer(settingOf(config).learningRate, 100, 0.01),
    batchRows: (config) => settingOf(config).batch,
    length: longest('critic'),
    lesson({ config }) {
      const { steps, batch, checks } = settingOf(config)
      return {
        steps,
        batch: (step) => range(0, batch).map((row) => baseExample(config, name, checks, step, row)),
        consumed: [],
        report: { rows: steps * batch, checks },
      }
    },
  }
}
interface BaseSetting {
  steps: number
  batch: number
  learningRate: number
  checks: number
}

function supervise(learner: Learner, summary: string): SpcCourse {
  return {
    summary,
    rounds: () => [],
    from: () => ({ role: 'solver', version: 0 }),
    reference: () => null,
    loss: () => nll,
    optimizer: (config) => optimizer(config.supervised[learner].learningRate, 10, 0),
    batchRows: (config) => config.supervised[learner].batch,
    length: longest(learner),
    lesson: (context) => supervisedLesson(learner, context, supplyOf(learner, context.config)),
  }
}

const wordsOf = (config: SpcConfig): VerdictWords => ({
  parse: parseVerdict,
  marks: verdictMarks,
  before: beforeVerdict,
  compared: (critique) => comparedClaims(config, critique),
})

/** The labelled rows are made by the task. */
export const supplyOf = (learner: Learner, config: SpcConfig): Supply => ({
  labelled: supervisedExamples(learner, config),
  worked: (...path) => baseExample(config, 'rehearsal', 0, ...path),
  words: wordsOf(config),
})

function learnFromPlay(learner: Learner, summary: string): SpcCourse {
  const rounds: SpcCourse['rounds'] = ({ config, round }) => opponents(config, round).rounds
  return {
    summary,
    rounds: (context) => (context.config.update.learn === 'play' ? rounds(context) : []),
    from: ({ config, round }) => ({ role: learner, version: opponents(config, round).from }),
    reference: () => ({ role: learner, version: 0 }),
    loss: (config) => spcLoss(learner, config),
    optimizer: (config) => optimizer(config.update[learner].learningRate, 10, 0),
    batchRows: ({ update }) => update[learner].batch * (update.learn === 'play' ? 2 : 1),
    length: longest(learner),
    lesson: (context, rows) =>
      playLesson(learner, context, supplyOf(learner, context.config), rounds(context).length, rows),
  }
}

/**
 * The loss of both players, `L = L_rl + 0.15 L_supervised`.
 *
 * `equation-4` (paper): the gradient E[ rho A grad log pi ] with rho = pi / pi_old over the whole completion and
 * A = R - b - beta KL, b the mean reward; our ratioLimit takes the gain away where rho is above it and A positive. `official-code` (chen-judge/SPC, src/trainers.py): rho = exp(mean over tokens of
 * log pi - log pi_ref) against round 0, L_rl = -min(rho R, clip(rho, 0.8, 1.2) R), no baseline, no KL. A settled verdict (ours)
 * need not have been said by anyone, so its rows have no ratio: L_rl = -log pi.
 */
export function spcLoss(learner: Learner, { update }: Learning): LossTerm[] {
  if (update.learn === 'supervised-only') return nll
  return [playedLoss(learner, update), { term: 'nll', weight: update.supervisedWeight }]
}

function playedLoss(learner: Learner, update: SpcConfig['update']): LossTerm {
  if (learnsSettled(learner, { update })) return { term: 'reinforce', weight: 1 }
  return update.loss === 'equation-4'
    ? {
        term: 'policy-gradient',
        weight: 1,
        ratio: 'sequence-sum',
        against: 'behaviour',
        clip: update.ratioLimit && update.ratioLimit - 1,
        klInAdvantage: update.kl,
      }
    : {
        term: 'policy-gradient',
        weight: 1,
        ratio: 'sequence-mean',
        against: 'reference',
        clip: update.clip,
        klInAdvantage: 0,
      }
}

/** A base model reads solutions and critiques, which are the longer. */
const longest =
  (learner: Learner) =>
  (config: SpcConfig): number => {
    const critique = config.critique === 'seen' ? critiqueLength : verdictLength
    return (learner === 'critic' ? critique : deceptionLength)(taskOf(config))
  }

const optimizer = (learningRate: number, warmupSteps: number, weightDecay: number): OptimizerConfig => ({
  learningRate,
  warmupSteps,
  weightDecay,
  clipNorm: 1,
  decay: 'linear',
})

export const courses: Record<string, SpcCourse> = {
  base: pretrain('base', 'Train the base model, which is also the solver', ({ base }) => base),
  'weak-solver': pretrain('weak solver', 'Train the held-out weak solver', ({ weakSolver }) => ({
    ...weakSolver,
    checks: 0,
  })),
  'supervise generator': supervise('generator', 'Teach the base to deceive, from labelled pairs'),
  'supervise critic': supervise('critic', 'Teach the base to judge, from labelled pairs of coarse errors'),
  generator: learnFromPlay('generator', 'Update the sneaky generator on its games'),
  critic: learnFromPlay('critic', 'Update the critic on its games'),
}
