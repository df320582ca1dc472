import { z } from 'zod'
import { logistic, type PairJudge } from './pair-judge.ts'

/**
 * A mass on a line, pushed left, not at all or right, step by step; whole trajectories are compared, and nothing is scored.
 * Positions and velocities are real numbers and actions are a choice of three forces, which makes the trajectories from a
 * start few enough to be listed. The start is the prompt and the answer is the sequence of actions: as the dynamics are
 * deterministic, a player who has seen the start and its own actions has seen the state.
 */
export const pointMassConfig = z.strictObject({
  name: z.literal('point-mass').default('point-mass'),
  /**
   * `return`: by the sum of each step's cost. `history`: by how near the mass ever came and how often the force changed,
   * which no sum over states can say. `raters`: by the votes of three raters, each of whom wants it to end elsewhere,
   * which no score can say.
   */
  preferences: z.enum(['return', 'history', 'raters']).default('raters'),
  steps: z.int().min(2).max(5).default(4),
  /** Differences of this size are preferred with σ(1) = 73 %. */
  scale: z.number().positive().default(0.05),
})

const forces = { '<': -1, '=': 0, '>': 1 } as const
type Action = keyof typeof forces
const actions: readonly Action[] = ['<', '=', '>']
const starts: Record<string, number> = { w: -0.9, x: -0.3, y: 0.3, z: 0.9 }

interface State {
  position: number
  velocity: number
  force: number
}

/** x' = x + 0.5 v', v' = 0.8 v + 0.5 force. */
function trajectory(prompt: string, answer: string): State[] {
  let position = starts[prompt] ?? 0
  let velocity = 0
  return answer.split('').map((letter) => {
    const force = forces[actions.find((action) => action === letter) ?? '=']
    velocity = 0.8 * velocity + 0.5 * force
    position += 0.5 * velocity
    return { position, velocity, force }
  })
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
const changes = (states: readonly State[]): number =>
  states.filter(({ force }, index) => index > 0 && force !== states[index - 1]?.force).length

/**
 * The states in which the three raters want the mass to end. In two dimensions a majority of three has in general no
 * winner (McKelvey 1976, "Intransitivities in multidimensional voting models").
 */
const ideals = [
  { position: -0.8, velocity: 0 },
  { position: 0.8, velocity: 0 },
  { position: 0, velocity: 0.9 },
]

/** What each rater thinks of a trajectory; larger is better. */
const opinions: Record<z.infer<typeof pointMassConfig>['preferences'], (states: readonly State[]) => number[]> = {
  return: (states) => [-sum(states.map(({ position, force }) => position * position + 0.05 * force * force))],
  history: (states) => [-Math.min(...states.map(({ position }) => Math.abs(position))) - 0.1 * changes(states)],
  raters: (states) =>
    ideals.map(({ position, velocity }) => {
      const end = states.at(-1)
      return -Math.hypot((end?.position ?? 0) - position, (end?.velocity ?? 0) - velocity)
    }),
}

export function pointMass({ preferences, steps, scale }: z.infer<typeof pointMassConfig>): PairJudge {
  const answers = Array.from({ length: 3 ** steps }, (_, index) =>
    Array.from({ length: steps }, (_step, place) => actions[Math.floor(index / 3 ** place) % 3]).join(''),
  )
  const known = new Map<string, number[]>()
  const opinionOf = (prompt: string, answer: string): number[] => {
    const key = prompt + answer
    const opinion = known.get(key) ?? opinions[preferences](trajectory(prompt, answer))
    known.set(key, opinion)
    return opinion
  }
  return {
    name: 'point-mass',
    vocabulary: [...Object.keys(starts), ...actions],
    prompts: Object.keys(starts),
    answers,
    longest: { prompt: 1, answer: steps },
    preference(prompt, left, right) {
      const [one, other] = [opinionOf(prompt, left), opinionOf(prompt, right)]
      return sum(one.map((opinion, rater) => logistic((opinion - (other[rater] ?? 0)) / scale))) / one.length
    },
    demonstrate: (_prompt, draws) => Array.from({ length: steps }, () => draws.pick(actions)).join(''),
    features(prompt, answer) {
      const seen = trajectory(prompt, answer).map(({ position, velocity, force }) => [
        position * position,
        Math.abs(position),
        position,
        velocity * velocity,
        velocity,
        force * force,
        force,
        position * velocity,
        position * force,
      ])
      return seen[0]?.map((_, feature) => sum(seen.map((step) => step[feature] ?? 0))) ?? []
    },
  }
}
