/** The table of loss terms. A new term is a type in types.ts, an expression in a file of its own and a line here. */
import { add, mul, type Value } from '../graph/index.ts'
import type { LossBatch } from './batch.ts'
import { klToReference } from './kl.ts'
import { negativeLogLikelihood } from './nll.ts'
import { policyGradient } from './policy-gradient.ts'
import {
  type DiagnosticName,
  type LossSpec,
  LossSpecError,
  type LossTerm,
  type TermName,
  type TermResult,
} from './types.ts'

type TermOf<Name extends TermName> = Extract<LossTerm, { term: Name }>

interface TermEntry<Name extends TermName> {
  readonly build: (batch: LossBatch, term: TermOf<Name>) => TermResult
  /** Whether reinforced rows must carry log-probabilities of the playing policy or of the reference. */
  readonly needs: (term: TermOf<Name>) => { readonly old: boolean; readonly reference: boolean }
}

const TERMS: { readonly [Name in TermName]: TermEntry<Name> } = {
  nll: { build: negativeLogLikelihood, needs: () => ({ old: false, reference: false }) },
  'policy-gradient': {
    build: policyGradient,
    needs: ({ klInAdvantage }) => ({ old: true, reference: klInAdvantage !== 0 }),
  },
  kl: { build: klToReference, needs: () => ({ old: false, reference: true }) },
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
    for (const name of ['ratio', 'clipFraction', 'kl'] as const) {
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
    if (term.term !== 'policy-gradient') continue
    // From 1 on the range has no lower end, as a ratio is never negative: only gains are limited.
    if (term.clip !== null && !(term.clip > 0 && Number.isFinite(term.clip))) {
      throw new LossSpecError(`clip must be positive or null, got ${term.clip}`)
    }
    if (!Number.isFinite(term.klInAdvantage)) throw new LossSpecError('klInAdvantage is not a finite number')
  }
}

/** What the rows of kind 'reinforced' must carry for this loss. */
export function lossNeeds(spec: LossSpec): { old: boolean; reference: boolean } {
  const needs = spec.map(termNeeds)
  return { old: needs.some(({ old }) => old), reference: needs.some(({ reference }) => reference) }
}

function buildTerm(batch: LossBatch, term: LossTerm): TermResult {
  switch (term.term) {
    case 'nll':
      return TERMS.nll.build(batch, term)
    case 'policy-gradient':
      return TERMS['policy-gradient'].build(batch, term)
    case 'kl':
      return TERMS.kl.build(batch, term)
  }
}

function termNeeds(term: LossTerm): { old: boolean; reference: boolean } {
  switch (term.term) {
    case 'nll':
      return TERMS.nll.needs(term)
    case 'policy-gradient':
      return TERMS['policy-gradient'].needs(term)
    case 'kl':
      return TERMS.kl.needs(term)
  }
}
