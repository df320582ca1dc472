import type { SpcConfig } from '../recipes/spc/config.ts'
import { opponents } from '../recipes/spc/schedule.ts'
import { range } from '../shared/collections.ts'
import { defineRounds, type RoundSteps } from './round.ts'

/** SPC, the Self-Play Critic (Chen et al. 2025, arXiv 2504.19162), beside the paper's section 3. */
export const spc = defineRounds<SpcConfig>({
  /** Round 0: one base model, from which both players are fine-tuned on labelled steps (sections 3.2 and 3.3). */
  async first(steps) {
    const { update, play } = steps
    await Promise.all([update('solver', { course: 'base' }), update('weak-solver')])
    await Promise.all([
      update('generator', { course: 'supervise generator' }),
      update('critic', { course: 'supervise critic' }),
      play('natural/validation', { player: { role: 'weak-solver', version: 0 } }),
      play('natural/test', { player: { role: 'weak-solver', version: 0 } }),
      play('synthetic/validation'),
      play('synthetic/test'),
    ])
    await judge(steps)
  },

  /** One round of play, then the critic's marks (section 4). */
  async next(steps) {
    await playAndLearn(steps)
    await judge(steps)
  },
})

/** What a round of play reads, whatever language the players speak. */
type Game = Parameters<typeof opponents>[0] & {
  play: { generator: SpcConfig['play']['generator'] }
  update: Pick<SpcConfig['update'], 'learn'>
}

/** A round of the game (section 3.4): deceive, validate, criticise, reward, update both. */
export async function playAndLearn({ play, update, config, round }: RoundSteps<Game>): Promise<void> {
  if (config.update.learn === 'play') {
    const versions = opponents(config, round) // round 2: the newest generator against the round-0 critic
    const solver = { role: 'solver', version: 0 }
    const generator = { role: 'generator', version: versions.generator }
    const critic = { role: 'critic', version: versions.critic }

    await play('presolve', { player: solver }) // how hard is each problem? the never-solved are dropped
    await play('solve', { player: solver }) // correct solutions; each gives one random step to a game
    if (config.play.generator === 'random') await play('corrupt')
    else await play('deceive', { player: generator }) // pick an error type, explain, write the wrong step
    await play('validate', { player: solver }) // original >= 75 %, sneaky 0 % of N completions
    await play('criticise', { player: critic }) // several critiques per step, right and sneaky 1:1
    await play('reward') // winner +1, loser -1
  }
  const learners = config.play.generator === 'learned' ? ['generator', 'critic'] : ['critic']
  await Promise.all(learners.map((role) => update(role))) // equation 4, or the official code's clipped ratio
}

/** Section 4: recalls on errors the generator did not make, then the cross table of generator against critic versions. */
async function judge({ play, evaluate, config, round }: RoundSteps<SpcConfig>): Promise<void> {
  const critic = { role: 'critic', version: round }
  const attacks = round === 0 || config.play.generator === 'learned'
  await Promise.all([
    ...['natural/test', 'natural/validation', 'synthetic/test', 'synthetic/validation'].map((suite) =>
      evaluate(suite, critic),
    ),
    ...(attacks ? [play('arena', { player: { role: 'generator', version: round } })] : []),
  ])
  const newest = config.play.generator === 'learned' ? round : 0
  await Promise.all([
    ...range(0, newest + 1).map((version) => evaluate(`arena/${version}`, critic)),
    ...(attacks ? range(0, round).map((version) => evaluate(`arena/${round}`, { role: 'critic', version })) : []),
  ])
}
