import { type Notes, preferenceNotes } from './notes.ts'

export const sppoNotes: Notes = {
  ...preferenceNotes,
  rounds: ['3', 'Self-play rounds after round 0.'],
  shard: ['–', 'Prompts per shard, the unit of work and of storage.'],
  'base.from': [
    'an instruction-tuned 7B model',
    'Another run’s policy, `{run, version}`, in the place of training one.',
  ],
  'play.prompts': ['about 20,000', 'Prompts of a round, drawn anew each round.'],
  'play.answers': ['5', 'K, answers per prompt.'],
  'play.temperature': ['1.0 (released code: 0.7)', 'Temperature of the answers.'],
  'update.loss': ['sppo', '`sppo`, or a baseline on the same pairs: `dpo`, `ipo`.'],
  'update.eta': ['1000', 'η of `sppo`. In the paper’s few steps the target is never reached; here it is.'],
  'update.beta': ['–', 'β of `dpo` and `ipo`.'],
  'update.steps': ['one epoch', 'Optimizer steps.'],
  'update.batch': ['64', 'Pairs per step.'],
  'update.learningRate': ['5e-7', 'Peak learning rate: 10 steps of warm-up, then linear decay.'],
}
