import type { SelfCheckConfig } from '../recipes/self-check/config.ts'
import { defineRounds, type RoundSteps } from './round.ts'

/** Self-check (CriticBench, Luo et al. 2023, arXiv 2310.04815, section 5), once with each version of the critic. */
export const selfCheck = defineRounds<SelfCheckConfig>({
  async first(steps) {
    const { update, play } = steps
    await Promise.all([update('solver'), update('critic', { course: 'base critic' })])
    await play('sample', { player: { role: 'solver', version: 0 } }) // k answers to each problem; the majority wins
    await play('balance')
    await check(steps)
  },

  async next(steps) {
    await steps.update('critic')
    await check(steps)
  },
})

async function check({ play, evaluate, round }: RoundSteps<SelfCheckConfig>): Promise<void> {
  const critic = { role: 'critic', version: round }
  await play('criticise', { player: critic }) // where count(top) / count(second) <= C: is each candidate correct?
  await play('vote') // drop the incorrect ones and vote again; when none is left, the majority stands
  await evaluate('balanced', critic)
}
