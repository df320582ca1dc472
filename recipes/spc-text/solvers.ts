import { sum } from '../../shared/collections.ts'
import { type PlayedBy, policyName } from '../../shared/ids.ts'
import { ADOPTED, type Endpoint } from '../../shared/models.ts'
import type { Phase, PlayContext, Rows, Sampling } from '../../shared/recipe.ts'
import type { Solver, SpcTextConfig } from './config.ts'

/**
 * Who solves. The paper has three models of different sizes and families, each of which completes what it has written itself; here
 * any mix of policies and servers share the problems. A phase that solvers play is played by each of them under a name of its
 * own, `solve/1` by the first; a solver that is alone plays plain `solve`.
 */
type Mix = Pick<SpcTextConfig, 'solvers'>

/** A solver as turns name it. What a server's model is called is told, where its address is the run file's business. */
const playerOf = ({ policy, endpoint }: Solver): PlayedBy =>
  policy === 'base' ? ADOPTED : { role: endpoint ? `solver:${endpoint.model}` : 'solver', version: 0 }

/** What is played so that every solver has played its part of a phase. */
export function solverPhases({ solvers }: Mix, phase: string): { name: string; player: PlayedBy }[] {
  return solvers.map((solver, index) => ({
    name: solvers.length === 1 ? phase : `${phase}/${index + 1}`,
    player: playerOf(solver),
  }))
}

/** Whether the run's own solver is one of them, and so has to be made. */
export const isTuned = ({ solvers }: Mix): boolean => solvers.some(({ policy }) => policy === 'solver')

/** The server that a player is behind; null where it is a policy. */
export function solverEndpoint({ solvers }: Mix, player: PlayedBy): Endpoint | null {
  const found = solvers.find((solver) => policyName(playerOf(solver)) === policyName(player))
  return found?.endpoint ?? null
}

/** Which solver plays a phase of this name. */
const seatOf = ({ solvers }: Mix, phase: string): number =>
  solvers.length === 1 ? 0 : Number(phase.split('/').at(-1)) - 1

/** Whose an item is: with weights 2 and 1 the first two of every three are the first solver's. */
function ownerOf({ solvers }: Mix, item: number): number {
  const weights = solvers.map(({ weight }) => weight)
  const place = item % sum(weights)
  return weights.findIndex((_, index) => place < sum(weights.slice(0, index + 1)))
}

export const isOwn = (mix: Mix, phase: string, item: number): boolean => ownerOf(mix, item) === seatOf(mix, phase)

/** How many of so many items in a row are those of the solver of a phase. */
export function ownOf({ solvers }: Mix, phase: string, items: number): number {
  const weights = solvers.map(({ weight }) => weight)
  return Math.round((items * (weights[seatOf({ solvers }, phase)] ?? 0)) / sum(weights))
}

/** The temperature is the solver's own, where it has one. */
export const asSolver = (mix: Mix, phase: string, sampling: Sampling): Sampling => ({
  ...sampling,
  temperature: mix.solvers[seatOf(mix, phase)]?.temperature ?? sampling.temperature,
})

/** A phase of which each solver plays its own part: its items, and the games about them. */
export function bySolver(phase: Phase<SpcTextConfig>): Phase<SpcTextConfig> {
  const { sampling, ask } = phase
  const own = ({ config, phase: name }: PlayContext<SpcTextConfig>, rows: Rows): Rows => {
    const isMine = ({ item }: { item: number }): boolean => isOwn(config, name, item)
    return { ...rows, items: rows.items.filter(isMine), episodes: rows.episodes.filter(isMine) }
  }
  return {
    ...phase,
    asked: (config, name) => ownOf(config, name, phase.items(config)),
    ...(sampling && { sampling: (config, name) => asSolver(config, name, sampling(config, name)) }),
    ...(ask && { ask: (context, rows) => ask(context, own(context, rows)) }),
    answer: (context, rows, answers) => phase.answer(context, own(context, rows), answers),
  }
}
