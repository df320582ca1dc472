import { type Notes, preferenceNotes } from './notes.ts'

/** The paper's settings could not be found. */
export const spoNotes: Notes = {
  ...preferenceNotes,
  rounds: ['not stated', 'Iterations of self-play after round 0.'],
  shard: ['–', 'Groups per shard, the unit of work and of storage.'],
  'play.groups': ['not stated', 'Groups of answers per round; the prompts take turns.'],
  'play.answers': ['not stated', 'k, answers per group.'],
  'play.queue': [
    'not stated',
    'Earlier rounds whose answers stay among the opponents; 0 compares a group with itself alone.',
  ],
  'reward.from': [
    'wins',
    'Share of opponents that are beaten, or (baselines) the share that a Bradley–Terry model predicts.',
  ],
  'reward.entropy': ['–', 'τ: −τ log π(y) is added to the reward.'],
  'update.eta': ['not stated', 'η: the policy moves towards π exp(η (r − 1/2)).'],
  'update.steps': ['not stated', 'Optimizer steps on all answers of the round at once.'],
  'update.learningRate': ['not stated', 'Learning rate.'],
}
