/** Sentences with equalities, as people and models write them, read as steps of the tasks that can express them. */
import { numberOf, parse, write } from './expressions.ts'
import type { Claim, Reading } from './task.ts'

/** What stands between the equality signs of a sentence, without what it concludes from them. */
export function sidesOf(text: string): string[] {
  return text
    .replace(/[.,;:]\s*(So|Then|Thus|Therefore)\b.*$/s, '')
    .split('=')
    .map((side) => side.trim().replace(/[.,]$/, ''))
}

/** The chain of a sentence as one claim: that its first side is worth what its last one says. Sides with words in them say nothing. */
export function readChain(text: string, isShort: (claim: Claim) => boolean): Reading {
  const [problem, ...sides] = sidesOf(text).flatMap((side) => parse(side) ?? [])
  const last = sides.at(-1)
  if (!problem || !last) return { claims: [], claimed: 0 }
  const claim = { problem: write(problem), step: write(last) }
  const isReadable = numberOf(problem) === null && numberOf(last) !== null && isShort(claim)
  return { claims: isReadable ? [claim] : [], claimed: 1 }
}
