import { groupBy } from './collections.ts'

/** Several sampled answers to one question, and the verdict of most of them. */
export interface Voting {
  /** Answers per line, at least two. */
  votes: number
  /** Above 0. */
  temperature: number
}

export interface Vote {
  /** Null when it cannot be read. */
  verdict: string | null
  text: string
}

/**
 * The name under which an evaluation's rows, shards and workflow are kept: the suite's own for greedy answers; other votes, or
 * another temperature, are another evaluation.
 */
export const evaluationName = (suite: string, voting?: Voting): string =>
  voting ? `${suite}?votes=${voting.votes}&temperature=${voting.temperature}` : suite

/**
 * The verdict of the majority of the readable votes with the text of the first that gave it, and the share of the readable votes
 * for Incorrect; both null when no vote can be read.
 *
 * Of equally many votes the first one decides, as is usual where texts vote (self-consistency, and maj@k of ProcessBench's
 * critics: the most common answer, the first met among equals). Votes are exchangeable, so a tie is decided by a fair and counted coin:
 * no verdict is favoured. A fixed one would be, the more so the fewer votes there are, and two votes would be another critic
 * than one. Whoever wants no ties asks for an odd number.
 */
export function countVotes(votes: readonly Vote[]): Vote & { share: number | null } {
  const readable = votes.filter(({ verdict }) => verdict !== null)
  const [most = []] = [...groupBy(readable, ({ verdict }) => verdict).values()].toSorted(
    (one, other) => other.length - one.length,
  )
  const { verdict, text } = most[0] ?? { verdict: null, text: votes[0]?.text ?? '' }
  const wrong = readable.filter((vote) => vote.verdict === 'Incorrect').length
  return { verdict, text, share: readable.length === 0 ? null : wrong / readable.length }
}
