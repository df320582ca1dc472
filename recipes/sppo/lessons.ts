import { groupBy, range } from '../../shared/collections.ts'
import { Stream } from '../../shared/random.ts'
import type { Context, Course, Example, Lesson, LossTerm, Rows } from '../../shared/recipe.ts'
import { exampleLength, imitate, optimizer } from '../preferences/courses.ts'
import type { SppoConfig } from './config.ts'
import { readGame } from './games.ts'

/**
 * The loss of the pairs, with D(y) = log π(y | x) - log π_t(y | x):
 *
 *   sppo  (D(y_w) - η (p_w - 1/2))² + (D(y_l) - η (p_l - 1/2))²   (Wu et al. 2024; p is the win rate among the K)
 *   dpo   -log σ(β (D(y_w) - D(y_l)))                             (Rafailov et al. 2023)
 *   ipo   (D(y_w) - D(y_l) - 1 / 2β)²                             (Azar et al. 2023)
 */
export function sppoLoss({ update: { loss, beta } }: SppoConfig): LossTerm[] {
  if (loss === 'sppo') return [{ term: 'log-ratio-regression', weight: 1 }]
  return [{ term: loss === 'dpo' ? 'pair-logistic' : 'pair-squared', weight: 1, beta }]
}

interface Pair {
  prompt: string
  chosen: PairedAnswer
  rejected: PairedAnswer
}
interface PairedAnswer {
  place: { round: number; episode: number; turn: string }
  text: string
  share: number
}

export function pairsOf(rows: Rows): Pair[] {
  const said = groupBy(rows.turns, (turn) => turn.episode)
  return rows.episodes.map(readGame).flatMap(({ round, episode, prompt, outcome, shares, chosen, rejected }) => {
    if (outcome === 'tie') return []
    const answer = (sample: number): PairedAnswer => {
      const turn = `answer/${sample}`
      const text = said.get(episode)?.find((one) => one.turn === turn)?.text
      if (text === undefined) throw new Error(`round ${round}, episode ${episode} lacks ${turn}`)
      return { place: { round, episode, turn }, text, share: shares[sample] ?? 0.5 }
    }
    return [{ prompt, chosen: answer(chosen), rejected: answer(rejected) }]
  })
}

/** The two examples of a pair, as its loss reads them. */
function examplesOf({ update }: SppoConfig, pair: Pair, id: string): Example[] {
  return (['chosen', 'rejected'] as const).map((side): Example => {
    const { text, share } = pair[side]
    const said = { prompt: pair.prompt, completion: text, advantage: 0 }
    return update.loss === 'sppo'
      ? { ...said, kind: 'regressed', target: update.eta * (share - 0.5) }
      : { ...said, kind: 'compared', pair: { id, side } }
  })
}

/** All pairs of the round, over and over in new orders. */
export function pairLesson({ config, round }: Context<SppoConfig>, rows: Rows): Lesson {
  const pairs = pairsOf(rows)
  const { steps, batch } = config.update
  const order = (pass: number): number[] => new Stream(config.seed, 'order', round, pass).permutation(pairs.length)
  const orders = range(0, Math.ceil((steps * batch) / Math.max(1, pairs.length))).map(order)
  const drawn = (draw: number): Pair => pairs[orders[Math.floor(draw / pairs.length)]![draw % pairs.length]!]!
  const mean = (side: 'chosen' | 'rejected'): number =>
    pairs.reduce((sum, pair) => sum + pair[side].share, 0) / Math.max(1, pairs.length)
  const ties = rows.episodes.length - pairs.length
  return {
    steps: pairs.length > 0 ? steps : 0,
    batch: (step) =>
      range(step * batch, (step + 1) * batch).flatMap((draw) => examplesOf(config, drawn(draw), String(draw))),
    consumed: pairs.flatMap(({ chosen, rejected }) => [chosen.place, rejected.place]),
    report: { pairs: pairs.length, ties, chosen: mean('chosen'), rejected: mean('rejected') },
  }
}

export const courses: Record<string, Course<SppoConfig>> = {
  base: imitate(({ config: { base } }) => base.from && { ...base.from, role: 'policy' }),
  policy: {
    summary: 'Fit the log-ratios to the win rates of the pairs',
    rounds: ({ round }) => [round],
    // The policy that answered is what the new one starts from, and what it is compared with: refreshed every round.
    from: ({ round }) => ({ role: 'policy', version: round - 1 }),
    reference: ({ round }) => ({ role: 'policy', version: round - 1 }),
    loss: sppoLoss,
    optimizer: ({ update }) => optimizer(update.learningRate),
    batchRows: ({ update }) => 2 * update.batch,
    length: exampleLength,
    lesson: pairLesson,
  },
}
