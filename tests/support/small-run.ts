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
