import { commonNotes, type Notes } from './notes.ts'
import { spcNotes } from './spc.ts'

/** The task and the model are SPC's, and so is what the notes say of them. */
const shared: Notes = Object.fromEntries(
  Object.entries(spcNotes).filter(([path]) => path.startsWith('task.') || path.startsWith('model.')),
)

export const selfCheckNotes: Notes = {
  ...commonNotes,
  ...shared,
  rounds: ['–', 'Checks after the first one, each by the next version of the critic.'],
  shard: ['–', 'Problems per shard, the unit of work and of storage.'],
  critique: ['seen', 'How the critic judges a step: SPC’s `critique`.'],
  'players.from': [
    'one model solves and judges',
    'A run of SPC, `{run, solver, every}`, whose solver plays, and its critics of every so many rounds; null: they are trained here.',
  ],
  'players.solver.steps': ['–', 'Optimizer steps of the solver, on worked problems.'],
  'players.solver.batch': ['–', 'Rows per step.'],
  'players.solver.learningRate': ['–', 'Peak learning rate: 100 steps of warm-up, then linear decay.'],
  'players.base.steps': ['–', 'Optimizer steps of the first critic.'],
  'players.base.batch': ['–', 'Rows per step.'],
  'players.base.learningRate': ['–', 'Peak learning rate: 100 steps of warm-up, then linear decay.'],
  'players.base.checks': ['–', 'Share of its rows that are checks of coarse errors; the others are worked problems.'],
  'players.critic.steps': ['–', 'Further steps of each later critic, on labelled steps.'],
  'players.critic.batch': ['–', 'Rows per step.'],
  'players.critic.learningRate': ['–', 'Peak learning rate: 10 steps of warm-up, then linear decay.'],
  'check.problems': ['–', 'Test problems.'],
  'check.answers': ['–', 'k, answers per problem that vote.'],
  'check.spareAnswers': ['–', 'Further answers, for the baseline that spends the critic’s tokens on more votes.'],
  'check.temperature': ['0.6 (judging too)', 'Temperature of the answers; the critic judges greedily.'],
  'check.certainty': [
    '1, 1, 2 by model',
    'C: an answer is checked where it has at most C times the votes of the next.',
  ],
  'check.candidates': ['not stated', 'What is judged: one solution of each distinct `answers`, or all `solutions`.'],
  'evaluation.balanced': ['about 3,000 rows', 'Problems of which one right and one wrong solution are judged.'],
}
