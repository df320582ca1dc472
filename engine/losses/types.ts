/** Loss specifications: a loss is a weighted sum of terms. */
import type { Value } from '../graph/index.ts'

/** What each term is told beside its weight. */
interface TermSettings {
  /** Mean negative log-likelihood per completion token over rows of kind 'supervised'. */
  nll: {}
  /** -A · log π over rows of kind 'reinforced', whoever wrote them. */
  reinforce: {}
  /** Importance-weighted policy gradient over rows of kind 'reinforced'. */
  'policy-gradient': {
    /** ρ = exp of the mean or the sum of a completion's token log-ratios, or one ρ per token. */
    readonly ratio: 'sequence-mean' | 'sequence-sum' | 'token'
    /** PPO's c, or null for no clipping. */
    readonly clip: number | null
    /** β in A - β · KL. */
    readonly klInAdvantage: number
  }
  /** KL to the reference over rows of every kind but 'supervised', each by its `klWeight`. Weight 0 only measures it. */
  kl: {}
  /** (log π / π_reference - target)² over rows of kind 'regressed', as in SPPO. */
  'log-ratio-regression': {}
  /** -log σ(β · margin) over pairs of rows of kind 'compared', as in DPO. */
  'pair-logistic': { readonly beta: number }
  /** (margin - 1 / 2β)² over pairs of rows of kind 'compared', as in IPO. */
  'pair-squared': { readonly beta: number }
}

export type TermName = keyof TermSettings
export type TermOf<Name extends TermName> = { readonly term: Name; readonly weight: number } & TermSettings[Name]
export type LossTerm = { [Name in TermName]: TermOf<Name> }[TermName]
export type LossSpec = readonly LossTerm[]

/** Quantities that a term measures beside its loss, all scalars (see StepMetrics). */
export const DIAGNOSTICS = [
  'ratio',
  'clipFraction',
  'kl',
  'logRatio',
  'margin',
  'chosenLogRatio',
  'pairAccuracy',
] as const
export type DiagnosticName = (typeof DIAGNOSTICS)[number]

export interface TermResult {
  /** float32 scalar, without its weight. This and the diagnostics are sums over rows (see LossBatch). */
  readonly loss: Value
  readonly diagnostics: { readonly [Name in DiagnosticName]?: Value }
}

/** What the rows of some kinds must carry for a loss. */
export interface LossNeeds {
  /** log-probabilities under the policy that wrote them, on rows of kind 'reinforced'. */
  readonly old: boolean
  /** log-probabilities under the frozen reference, on rows of every kind but 'supervised'. */
  readonly reference: boolean
}

/** A loss that cannot be built, or rows that lack what it needs. */
export class LossSpecError extends Error {
  override readonly name = 'LossSpecError'
}
