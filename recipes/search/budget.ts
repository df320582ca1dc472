import { affordable, majority, type Vote } from '../self-check/vote.ts'
import type { JudgedChain } from './rows.ts'

/** What else a number of tokens buys: chains in their order until they are spent, rounded up in these chains' favour. */
export interface PlainChain extends Vote {
  /** Generated tokens of the chain itself. */
  cost: number
  /** What the critic makes of it, where it is to judge chains. */
  judged?: JudgedChain
}

export function votesFor(tokens: number, chains: readonly PlainChain[]): { answer: string | null; short: boolean } {
  const costs = chains.map(({ cost }) => cost)
  const bought = affordable(tokens, costs)
  return { answer: majority(chains.slice(0, bought)), short: spent(tokens, costs) }
}

/** Whether all of it was bought, and tokens are left. */
const spent = (tokens: number, costs: readonly number[]): boolean =>
  costs.reduce((total, cost) => total + cost, 0) < tokens

/** The judged chains that the tokens buy, each with the critic's reading of it. */
const judgedFor = (tokens: number, chains: readonly PlainChain[]): (PlainChain & { judged: JudgedChain })[] => {
  const known = chains.flatMap((chain) => (chain.judged ? [{ ...chain, judged: chain.judged }] : []))
  return known.slice(
    0,
    affordable(
      tokens,
      known.map(({ cost, judged }) => cost + judged.tokens),
    ),
  )
}

/** Best-of-n: the first chain of which the critic accepts every step; without one, the chain it accepts longest. */
export function bestFor(tokens: number, chains: readonly PlainChain[]): string | null {
  const bought = judgedFor(tokens, chains)
  const best =
    bought.find(({ judged }) => judged.whole) ?? bought.toSorted((a, b) => b.judged.accepted - a.judged.accepted)[0]
  return best?.answer ?? null
}

/** The majority of the chains that the critic accepts as a whole; without one, that of all. */
export function acceptedFor(tokens: number, chains: readonly PlainChain[]): string | null {
  const bought = judgedFor(tokens, chains)
  return majority(bought.filter(({ judged }) => judged.whole)) ?? majority(bought)
}
