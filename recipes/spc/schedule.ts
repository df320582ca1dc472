import type { Version } from '../../shared/ids.ts'
import type { SpcConfig } from './config.ts'

/** Who meets whom in a round, and what is trained from where on whose games. */
export interface Opponents {
  /** Versions that play this round's games. */
  generator: Version
  critic: Version
  /** The version both updates start from. */
  from: Version
  /** Rounds whose games the updates learn from. */
  rounds: number[]
}

/**
 * The paper's asymmetric evolution (section 3.5): round 1 is S0 against C0; in round 2 the new S1 meets the old C0, since
 * S1 loses to C1 too often to teach it anything; the rounds are merged and S2, C2 retrained from S0, C0. We go on like
 * that after round 2: the newest generator meets the critic one version behind. `newest` is ordinary self-play.
 */
export function opponents(
  config: Pick<SpcConfig, 'schedule'> & { play: Pick<SpcConfig['play'], 'generator'> },
  round: number,
): Opponents {
  const newest = round - 1
  const generator = config.play.generator === 'learned' ? newest : 0
  return config.schedule === 'paper'
    ? {
        generator,
        critic: Math.max(0, round - 2),
        from: 0,
        rounds: Array.from({ length: round }, (_, index) => index + 1),
      }
    : { generator, critic: newest, from: newest, rounds: [round] }
}
