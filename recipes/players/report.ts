/** What the reports of recipes with a solver and a critic share: accuracies over the run's problems, by tokens and by how good the critic is. */
import { numberOf, type RoundTimes } from '../../report/data.ts'
import { type Estimate, share } from '../../report/estimates.ts'

interface Point {
  x: number
  estimate: Estimate
}

/** A share of the run's problems, with its interval. */
export function accuracy(round: RoundTimes, name: string): Estimate | null {
  const [value, problems] = [numberOf(round, name), numberOf(round, 'problems')]
  return value === null || problems === null ? null : share(Math.round(value * problems), problems)
}

/** Over tokens; none where one of both is not there. */
export const atTokens = (tokens: number | null, estimate: Estimate | null): Point[] =>
  tokens !== null && estimate ? [{ x: Math.round(tokens), estimate }] : []

/** The majority of more and more answers, over the tokens that they took: the first round measures it. */
export function votesOverTokens(first: RoundTimes | undefined): Point[] {
  if (!first) return []
  return Object.keys(first.numbers ?? {})
    .flatMap((name) => /^votes_(\d+)$/.exec(name)?.[1] ?? [])
    .flatMap((size) => atTokens(numberOf(first, `vote_tokens_${size}`), accuracy(first, `votes_${size}`)))
    .toSorted((one, other) => one.x - other.x)
}

/** Lines over the critic's informedness in points: its recall on what is right plus that on what is wrong, less 100. */
export function overQuality(
  rounds: readonly RoundTimes[],
): (name: string, of: string) => { name: string; points: Point[] } {
  const byQuality = rounds
    .flatMap((round) => {
      const quality = numberOf(round, 'informedness')
      return quality === null ? [] : [{ round, x: Number((100 * quality).toFixed(1)) }]
    })
    .toSorted((one, other) => one.x - other.x)
  return (name, of) => ({
    name,
    points: byQuality.flatMap(({ round, x }) => {
      const estimate = accuracy(round, of)
      return estimate ? [{ x, estimate }] : []
    }),
  })
}
