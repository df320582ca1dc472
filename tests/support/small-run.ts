import path from 'node:path'

/**
 * The smallest run in which everything happens: games of all three outcomes, an update with checkpoints inside, two rounds
 * of play. Problems of two operands, so that a model of 30,000 weights solves some of them after a few seconds.
 */
export const smallRun = {
  recipe: 'spc',
  seed: 7,
  rounds: 2,
  shard: 16,
  task: { operands: [2, 3], largestOperand: 9, largestFactor: 3, multiplications: 0 },
  model: { width: 32, layers: 2, heads: 2, keyValueHeads: 2, hidden: 96, context: 40 },
  base: { steps: 640, batch: 32, learningRate: 5e-3 },
  weakSolver: { steps: 240, batch: 32, learningRate: 5e-3 },
  supervised: {
    generator: { steps: 200, batch: 32, learningRate: 3e-3 },
    critic: { steps: 100, batch: 32, learningRate: 2e-3 },
  },
  play: { problems: 48, validity: 'oracle' },
  update: {
    critic: { steps: 12, batch: 16, rows: 64 },
    generator: { steps: 8, batch: 18, rows: 48 },
  },
  evaluation: { natural: 48, synthetic: 32, arena: 32 },
}

/** A small configuration: whatever its recipe's schema takes. */
export type SmallRun = Record<string, unknown> & { recipe: string }

/** A published model that solves the problems beside it (make.ts says how it was made). */
const textModel = path.join(import.meta.dirname, 'text-model')

/** Runs of a few seconds that have everything of their recipe in them: games, updates that learn from them, checkpoints inside. */
export const otherSmallRuns: Record<string, SmallRun> = {
  /** What of the default run is not the paper's. */
  'spc, blind': {
    ...smallRun,
    rounds: 1,
    critique: 'blind',
    schedule: 'newest',
    update: { ...smallRun.update, credit: 'settled' },
  },
  'spc-text': {
    recipe: 'spc-text',
    seed: 7,
    rounds: 1,
    shard: 8,
    model: { from: textModel, context: 600, adapter: { rank: 4, alpha: 8 } },
    problems: [{ file: path.join(textModel, 'problems.jsonl') }],
    solver: { steps: 1, batch: 8 },
    solvers: [{ policy: 'solver' }, { policy: 'base', temperature: 0.7 }],
    supervised: {
      pairs: 32,
      generator: { steps: 20, batch: 8, learningRate: 1e-3 },
      critic: { steps: 20, batch: 8, learningRate: 1e-3 },
    },
    play: { problems: 16, mediumSolutions: 4, easyKept: 1, temperature: 0.5 },
    tokens: { solution: 64, deception: 80, critique: 56 },
    update: {
      credit: 'settled',
      critic: { steps: 4, batch: 4, rows: 32 },
      generator: { steps: 4, batch: 6, rows: 24 },
    },
    evaluation: { natural: 16 },
  },
  spo: {
    recipe: 'spo',
    seed: 7,
    rounds: 3,
    shard: 4,
    base: { steps: 240, batch: 32 },
    play: { groups: 16 },
    update: { steps: 16 },
  },
  sppo: {
    recipe: 'sppo',
    seed: 7,
    rounds: 2,
    shard: 16,
    base: { steps: 240, batch: 32 },
    play: { prompts: 48 },
    update: { steps: 16, batch: 32 },
  },
  'self-check': {
    recipe: 'self-check',
    seed: 7,
    rounds: 2,
    shard: 16,
    task: smallRun.task,
    model: smallRun.model,
    players: {
      solver: { steps: 240, batch: 32, learningRate: 5e-3 },
      base: { steps: 240, batch: 32, learningRate: 5e-3 },
      critic: { steps: 24, batch: 32, learningRate: 2e-3 },
    },
    check: { problems: 48, answers: 4, spareAnswers: 4 },
    evaluation: { balanced: 48 },
  },
  search: {
    recipe: 'search',
    seed: 7,
    rounds: 1,
    shard: 16,
    task: smallRun.task,
    model: smallRun.model,
    players: {
      solver: { steps: 240, batch: 32, learningRate: 5e-3 },
      base: { steps: 240, batch: 32, learningRate: 5e-3 },
      critic: { steps: 24, batch: 32, learningRate: 2e-3 },
    },
    search: { problems: 32, chains: 2, attempts: 2, votes: 8, judged: 4 },
  },
  'search-text': {
    recipe: 'search-text',
    seed: 7,
    rounds: 1,
    shard: 8,
    model: { from: textModel, context: 600, adapter: { rank: 4, alpha: 8 } },
    problems: { file: path.join(textModel, 'problems.jsonl') },
    tokens: { solution: 64, step: 40, critique: 56 },
    search: { problems: 16, steps: 4, chains: 2, attempts: 2, votes: 8, judged: 4 },
  },
}
