/** By field: [the paper's value, what the field means]. – where the paper has no such thing; "not stated" where it leaves it open. */
export type Notes = Readonly<Record<string, readonly [string, string]>>

/** Fields that every recipe has. */
export const commonNotes: Notes = {
  recipe: ['–', 'The recipe of this run.'],
  seed: ['not stated', 'Everything random follows from it.'],
}

/** Fields that every recipe for a pair judge has. */
export const preferenceNotes: Notes = {
  ...commonNotes,
  'task.name': ['–', 'The pair judge.'],
  'task.preferences': ['–', 'What its preferences are like.'],
  'task.steps': ['–', 'Actions of a trajectory.'],
  'task.scale': ['–', 'Differences of this size are preferred with 73 %.'],
  'task.cycle': ['–', 'How often each style of the circle beats the next; at 0.5 the judge is transitive.'],
  'task.content': ['–', 'Log-odds that a right letter is worth.'],
  'task.skill': ['–', 'How often a demonstrated letter is right.'],
  'model.width': ['–', 'Width of the residual stream.'],
  'model.layers': ['–', 'Decoder layers.'],
  'model.heads': ['–', 'Attention heads.'],
  'model.keyValueHeads': ['–', 'Heads of keys and values; as many as `heads` unless given.'],
  'model.hidden': ['–', 'Width of the SwiGLU block.'],
  'model.ropeTheta': ['–', 'Base of the rotary position embedding.'],
  'model.context': ['–', 'Longest sequence in tokens.'],
  'base.steps': ['–', 'Optimizer steps of the base policy, which imitates demonstrations.'],
  'base.batch': ['–', 'Rows per step.'],
  'base.learningRate': ['–', 'Peak learning rate: 10 steps of warm-up, then linear decay.'],
  'judge.votes': ['–', 'Each comparison is told as the share of so many votes; null tells the preference itself.'],
  'judge.noise': ['–', 'Share of the votes that are turned round.'],
  'judge.signal': ['–', '`shuffled` is a control arm: answers get each other’s rewards.'],
  'evaluation.prompts': ['–', 'Prompts on which all answers are scored.'],
}
