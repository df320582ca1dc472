import { commonNotes, type Notes } from './notes.ts'
import { selfCheckNotes } from './self-check.ts'

/** The task, the model and the players are those of self-check, and so is what the notes say of them. */
const shared: Notes = Object.fromEntries(
  Object.entries(selfCheckNotes).filter(([path]) => /^(task|model|players)\./.test(path)),
)

export const searchNotes: Notes = {
  ...commonNotes,
  ...shared,
  rounds: ['–', 'Searches after the first one, each by the next version of the critic.'],
  shard: ['–', 'Problems per shard, the unit of work and of storage.'],
  critique: ['seen', 'How the critic judges a step: SPC’s `critique`.'],
  'players.from': [
    'the solver to be guided, and SPC’s critic',
    'A run of SPC, `{run, solver, every}`, whose solver plays, and its critics of every so many rounds; null: they are trained here.',
  ],
  'search.problems': ['500 (MATH500)', 'Problems.'],
  'search.split': [
    '–',
    'Whose problems: settings are chosen on `validation`, and what they come to is told on `test`.',
  ],
  'search.chains': ['5', 'Guided chains per problem, which vote.'],
  'search.attempts': ['5', 'Attempts at a step.'],
  'search.fallback': [
    'not stated',
    'Which attempt stands when none is accepted: the `last`, about which the critic is then not asked, or (ours) the `first`.',
  ],
  'search.temperature': ['not stated', 'Temperature of all that the solver says; the critic judges greedily.'],
  'search.firstTemperature': [
    '–',
    'Ours: temperature of a step’s first attempt; null: the same. 0 begins with what the solver holds likeliest.',
  ],
  'search.votes': ['–', 'Plain chains per problem, for the votes that guided search’s tokens would buy instead.'],
  'search.judged': ['–', 'How many of them the critic judges for best-of-n.'],
}
