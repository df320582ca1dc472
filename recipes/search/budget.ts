import { sum } from '../../shared/collections.ts'
import { affordable, majority, type Vote } from '../self-check/vote.ts'
import type { JudgedChain } from './rows.ts'

/** What else a number of tokens buys: chains in their order until they are spent, rounded up in these chains' favour. */
export interface PlainChain extends Vote {
  /** Generated tokens of the chain itself. */
  cost: number
  /** What the critic makes of it, where it is to judge chains. */
  judged?: JudgedChain
}

/** The chains that the tokens buy without a critic. */
const boughtFor = (tokens: number, chains: readonly PlainChain[]): PlainChain[] =>
  chains.slice(
    0,
    affordable(
      tokens,
      chains.map(({ cost }) => cost),
    ),
  )

/** The chains that they buy with the critic's reading of each, of those that it has read. */
function readFor(tokens: number, chains: readonly PlainChain[]): (PlainChain & { judged: JudgedChain })[] {
  const read = chains.flatMap((chain) => (chain.judged ? [{ ...chain, judged: chain.judged }] : []))
  const costs = read.map(({ cost, judged }) => cost + judged.tokens)
  return read.slice(0, affordable(tokens, costs))
}

export const votesFor = (tokens: number, chains: readonly PlainChain[]): string | null =>
  majority(boughtFor(tokens, chains))

/** Best-of-n: the first chain of which the critic accepts every step; without one, the chain it accepts longest. */
export function bestFor(tokens: number, chains: readonly PlainChain[]): string | null {
  const read = readFor(tokens, chains)
  const longest = read.toSorted((a, b) => b.judged.accepted - a.judged.accepted)[0]
  return (read.find(({ judged }) => judged.whole) ?? longest)?.answer ?? null
}

/** The majority of the chains that the critic accepts as a whole; without one, that of all. */
export function acceptedFor(tokens: number, chains: readonly PlainChain[]): string | null {
  const read = readFor(tokens, chains)
  return majority(read.filter(({ judged }) => judged.whole)) ?? majority(read)
}

/** Whether tokens are left when all chains are bought, those that the critic has read or all of them. */
export function runsShort(tokens: number, chains: readonly PlainChain[]): boolean {
  const read = chains.filter(({ judged }) => judged)
  return (
    sum(chains.map(({ cost }) => cost)) < tokens ||
    sum(read.map(({ cost, judged }) => cost + (judged?.tokens ?? 0))) < tokens
  )
}
