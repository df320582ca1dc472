/** Loss specifications: a loss is a weighted sum of terms. */
import type { Value } from '../graph/index.ts'

/** Mean negative log-likelihood per completion token over rows of kind 'supervised'. */
export interface NegativeLogLikelihoodTerm {
  readonly term: 'nll'
  readonly weight: number
}

/** Importance-weighted policy gradient over rows of kind 'reinforced'. */
export interface PolicyGradientTerm {
  readonly term: 'policy-gradient'
  readonly weight: number
  /** ρ = exp of the mean or the sum of a completion's token log-ratios, or one ρ per token. */
  readonly ratio: 'sequence-mean' | 'sequence-sum' | 'token'
  /** PPO's c, or null for no clipping. */
  readonly clip: number | null
  /** β in A - β · KL. */
  readonly klInAdvantage: number
}

/** KL to the reference over rows of kind 'reinforced'. Weight 0 only measures it. */
export interface KlTerm {
  readonly term: 'kl'
  readonly weight: number
}

export type LossTerm = NegativeLogLikelihoodTerm | PolicyGradientTerm | KlTerm
export type TermName = LossTerm['term']
export type LossSpec = readonly LossTerm[]

/** Quantities that a term measures beside its loss, all scalars. */
export type DiagnosticName = 'ratio' | 'clipFraction' | 'kl'

export interface TermResult {
  /** float32 scalar, without its weight. */
  readonly loss: Value
  readonly diagnostics: { readonly [Name in DiagnosticName]?: Value }
}

/** A loss that cannot be built, or rows that lack what it needs. */
export class LossSpecError extends Error {
  override readonly name = 'LossSpecError'
}
