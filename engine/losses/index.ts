/** The table of loss terms. A new term is a type in types.ts, an expression in a file of its own and a line here. */
import { add, mul, type Value } from '../graph/index.ts'
import type { LossBatch } from './batch.ts'
import { klToReference } from './kl.ts'
import { logRatioRegression } from './log-ratio-regression.ts'
import { negativeLogLikelihood } from './nll.ts'
import { pairLogistic, pairSquared } from './pair.ts'
import { policyGradient } from './policy-gradient.ts'
import { reinforce } from './reinforce.ts'
import {
  type DiagnosticName,
  DIAGNOSTICS,
  type LossNeeds,
  type LossSpec,
  LossSpecError,
  type TermName,
  type TermOf,
  type TermResult,
} from './types.ts'

interface TermEntry<Name extends TermName> {
  readonly build: (batch: LossBatch, term: TermOf<Name>) => TermResult
  readonly needs: (term: TermOf<Name>) => LossNeeds
}

const neither = (): LossNeeds => ({ old: false, reference: false })
const onlyReference = (): LossNeeds => ({ old: false, reference: true })

const TERMS: { readonly [Name in TermName]: TermEntry<Name> } = {
  nll: { build: negativeLogLikelihood, needs: neither },
  reinforce: { build: reinforce, needs: neither },
  'policy-gradient': {
    build: policyGradient,
    needs: ({ klInAdvantage }) => ({ old: true, reference: klInAdvantage !== 0 }),
  },
  kl: { build: klToReference, needs: onlyReference },
  'log-ratio-regression': { build: logRatioRegression, needs: onlyReference },
  'pair-logistic': { build: pairLogistic, needs: onlyReference },
  'pair-squared': { build: pairSquared, needs: onlyReference },
}

export interface TotalLoss {
  readonly loss: Value
  readonly terms: readonly { readonly name: TermName; readonly loss: Value }[]
  readonly diagnostics: ReadonlyMap<DiagnosticName, Value>
}

/** Σ weight · term. */
export function totalLoss(batch: LossBatch, spec: LossSpec): TotalLoss {
  checkLossSpec(spec)
  const terms: { name: TermName; loss: Value }[] = []
  const diagnostics = new Map<DiagnosticName, Value>()
  let loss: Value | undefined
  for (const term of spec) {
    const result = buildTerm(batch, term)
    terms.push({ name: term.term, loss: result.loss })
    for (const name of DIAGNOSTICS) {
      const value = result.diagnostics[name]
      if (value !== undefined) diagnostics.set(name, value)
    }
    if (term.weight === 0) continue
    const weighted = term.weight === 1 ? result.loss : mul(result.loss, term.weight)
    loss = loss === undefined ? weighted : add(loss, weighted)
  }
  if (loss === undefined) throw new LossSpecError('every term of the loss has weight 0')
  return { loss, terms, diagnostics }
}

/** Throws LossSpecError for an empty loss, a repeated term or a number out of range. */
export function checkLossSpec(spec: LossSpec): void {
  if (spec.length === 0) throw new LossSpecError('a loss needs at least one term')
  for (const [index, term] of spec.entries()) {
    if (spec.findIndex(({ term: name }) => name === term.term) !== index) {
      throw new LossSpecError(`the term '${term.term}' occurs twice`)
    }
    if (!Number.isFinite(term.weight)) throw new LossSpecError(`the weight of '${term.term}' is not a finite number`)
    if ('beta' in term && !(term.beta > 0 && Number.isFinite(term.beta))) {
      throw new LossSpecError(`the beta of '${term.term}' must be positive, got ${term.beta}`)
    }
    if (term.term !== 'policy-gradient') continue
    // From 1 on the range has no lower end, as a ratio is never negative: only gains are limited.
    if (term.clip !== null && !(term.clip > 0 && Number.isFinite(term.clip))) {
      throw new LossSpecError(`clip must be positive or null, got ${term.clip}`)
    }
    if (!Number.isFinite(term.klInAdvantage)) throw new LossSpecError('klInAdvantage is not a finite number')
  }
}

export function lossNeeds(spec: LossSpec): LossNeeds {
  const needs = spec.map((term) => termNeeds(term))
  return { old: needs.some(({ old }) => old), reference: needs.some(({ reference }) => reference) }
}

function buildTerm<Name extends TermName>(batch: LossBatch, term: TermOf<Name>): TermResult {
  const entry: TermEntry<Name> = TERMS[term.term]
  return entry.build(batch, term)
}

function termNeeds<Name extends TermName>(term: TermOf<Name>): LossNeeds {
  const entry: TermEntry<Name> = TERMS[term.term]
  return entry.needs(term)
}
