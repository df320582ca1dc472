import { groupBy } from '../../shared/collections.ts'
import type { Context, Course, Example, Lesson, Rows, TurnRow } from '../../shared/recipe.ts'
import { pairJudgeFrom } from '../../tasks/pair-judges.ts'
import { exampleLength, imitate, optimizer } from '../preferences/courses.ts'
import { answerTokens } from '../preferences/prompts.ts'
import type { SpoConfig } from './config.ts'

/**
 * One step of the no-regret learner: π_t+1(y) ∝ π_t(y) exp(η (r(y) - 1/2)), which is soft policy iteration, or mirror
 * descent. It maximises E_π[r - 1/2] - (1/η) KL(π || π_t), and is found here by gradient steps on the round's answers:
 *
 *   ∇J = E_π_t [ρ (r - b - (1/η) log ρ) ∇ log π],  ρ = π / π_t over the whole answer
 *
 * With an entropy term τ H(π) beside it, -τ log π = -τ log π_t - τ log ρ: the first part is in the stored reward, the
 * second joins the pull to π_t. Without the second the rarest answer said would be pushed up without bound.
 *
 * A plain policy gradient would not do: without the pull to π_t it is no no-regret learner. b is the mean of the group: in
 * one that is compared with itself it is 1/2 exactly and has no variance. Against a queue it is not, and with b = 1/2 a
 * policy that has settled on one answer would push the others out of sight for beating its own past. r is not divided by
 * its deviation: that would change the game.
 */

export function answerLesson({ config, round }: Context<SpoConfig>, rows: Rows): Lesson {
  const turns = rows.turns.filter((turn) => turn.round === round)
  const examples = [...groupBy(turns, (turn) => turn.episode).values()].flatMap((group) => {
    const baseline = meanReward(group)
    return group.map(({ role, version, prompt, text, reward }): Example => {
      const advantage = (reward ?? baseline) - baseline
      return { prompt, completion: text, kind: 'reinforced', advantage, behaviour: { role, version } }
    })
  })
  return {
    steps: examples.length > 0 ? config.update.steps : 0,
    batch: () => examples,
    consumed: turns.map((turn) => ({ round: turn.round, episode: turn.episode, turn: turn.turn })),
    report: { answers: turns.length, reward: meanReward(turns) },
  }
}

const meanReward = (turns: readonly TurnRow[]): number =>
  turns.reduce((sum, { reward }) => sum + (reward ?? 0), 0) / Math.max(1, turns.length)

export const courses: Record<string, Course<SpoConfig>> = {
  base: imitate(),
  policy: {
    summary: 'A step of soft policy iteration towards the answers that win',
    rounds: ({ round }) => [round],
    from: ({ round }) => ({ role: 'policy', version: round - 1 }),
    reference: ({ round }) => ({ role: 'policy', version: round - 1 }),
    loss: ({ update, task, reward }) => [
      {
        term: 'policy-gradient',
        weight: 1,
        ratio: 'sequence-sum',
        against: 'behaviour',
        clip: null,
        // The term takes the mean of log ρ over the tokens of an answer, the objective above its sum.
        klInAdvantage: answerTokens(pairJudgeFrom(task)) * (1 / update.eta + reward.entropy),
      },
    ],
    optimizer: ({ update }) => optimizer(update.learningRate),
    batchRows: ({ play }) => play.groups * play.answers,
    length: exampleLength,
    lesson: answerLesson,
  },
}
