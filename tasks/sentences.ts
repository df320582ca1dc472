/** Sentences with equalities, as people and models write them, read as steps of the tasks that can express them. */
import { numberOf, parse, write } from './expressions.ts'
import type { Reading } from './task.ts'

/** What stands between the equality signs of a sentence, without what it concludes from them. */
export function sidesOf(text: string): string[] {
  return text
    .replace(/[.,;:]\s*(So|Then|Thus|Therefore)\b.*$/s, '')
    .split('=')
    .map((side) => side.trim().replace(/[.,]$/, ''))
}

/**
 * The chain of a sentence as one claim: that its first side is worth what its last one says. Sides with words in them say nothing. Where the
 * chain is too long, its last sides stand for it.
 */
export function readChain(
  text: string,
  longest: { readonly problem: number; readonly step: number },
  tokensOf: (text: string) => number,
): Reading {
  const [problem, ...sides] = sidesOf(text).flatMap((side) => parse(side) ?? [])
  const last = sides.at(-1)
  if (!problem || !last) return { claims: [], claimed: 0 }
  const texts = sides.map(write)
  while (texts.length > 1 && tokensOf(texts.join('=')) > longest.step) texts.shift()
  const claim = { problem: write(problem), step: texts.join('=') }
  const isReadable =
    numberOf(problem) === null &&
    numberOf(last) !== null &&
    tokensOf(claim.problem) <= longest.problem &&
    tokensOf(claim.step) <= longest.step
  return { claims: isReadable ? [claim] : [], claimed: 1 }
}
