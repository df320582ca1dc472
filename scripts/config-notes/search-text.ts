import { commonNotes, type Notes } from './notes.ts'
import { searchNotes } from './search.ts'
import { spcTextNotes } from './spc-text.ts'

/** The model is named as in spc-text, and chains and votes are those of search. */
const shared: Notes = Object.fromEntries([
  ...Object.entries(spcTextNotes).filter(([path]) => path.startsWith('model.')),
  ...Object.entries(searchNotes).filter(([path]) => path.startsWith('search.') && path !== 'search.split'),
])

export const searchTextNotes: Notes = {
  ...commonNotes,
  ...shared,
  rounds: ['–', 'Searches after the first one, each by the next version of the critic.'],
  shard: ['–', 'Problems per shard, the unit of work and of storage.'],
  'model.context': ['–', 'Longest sequence in tokens; a prompt that leaves no room for an answer gets an empty one.'],
  'problems.file': ['MATH500, AIME 2024', 'A published test set, as JSON Lines.'],
  'problems.form': ['–', 'Its form (see [tasks.md](tasks.md)).'],
  'players.solver': [
    'several models',
    'The policy that solves, `{run, role, version}` (role `solver`, version 0 unless given); null: the published model itself.',
  ],
  'players.critic': [
    'SPC’s critic',
    'The policy that judges in round 0, `{run, role, version}` (role `critic`, version 0 unless given); null: the published model itself.',
  ],
  critique: [
    '`seen`',
    'How the critic judges a step; that of the run it is from: see [spc-text.md](spc-text.md#a-blind-critic).',
  ],
  'tokens.solution': ['–', 'Most tokens of a whole solution.'],
  'tokens.step': ['–', 'Most tokens of a step; a longer one ends its chain.'],
  'tokens.critique': ['–', 'Most tokens of a critique.'],
  'search.problems': ['500 (MATH500)', 'Problems: the first so many of the file.'],
  'search.steps': ['not stated', 'Most steps of a chain; one that has not ended by then has no answer.'],
}
