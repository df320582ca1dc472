/** What the worker registers. */
export { training, trainingRound } from './training.ts'
export { evaluation } from './evaluation.ts'
