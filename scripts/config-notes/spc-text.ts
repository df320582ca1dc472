import { commonNotes, type Notes } from './notes.ts'
import { spcNotes } from './spc.ts'

/** How both players learn is SPC's, and so is what the notes say of it. */
const shared: Notes = Object.fromEntries(
  Object.entries(spcNotes).filter(
    ([path]) =>
      path === 'schedule' ||
      path.startsWith('update.') ||
      (path.startsWith('play.') && path !== 'play.validity' && path !== 'play.generator'),
  ),
)

export const spcTextNotes: Notes = {
  ...commonNotes,
  ...shared,
  critique: [
    'seen',
    '`seen`: the critic reads the judged step, works it out and gives its verdict. `blind`, ours: it works the step out before it is shown the judged one.',
  ],
  rounds: ['2', 'Self-play rounds after round 0.'],
  shard: ['–', 'Problems per shard, the unit of work and of storage.'],
  'model.from': [
    'Qwen2.5-7B-Instruct',
    'A folder with config.json, safetensors and tokenizer.json, a `.gguf` file, or the name of a model that `sparring model fetch` has fetched.',
  ],
  'model.context': ['4,096', 'Longest sequence in tokens; longer examples and prompts are left out.'],
  'model.adapter': [
    'full fine-tuning',
    'LoRA adapters of all seven maps of a layer, `{rank: 16, alpha: 32}` unless given; null trains all weights of every player.',
  ],
  problems: ['PRM800K’s training problems', 'Published training splits; a problem that stands in several counts once.'],
  'problems[].file': ['–', 'JSON Lines.'],
  'problems[].form': ['–', 'Its form (see [tasks.md](tasks.md)).'],
  'problems[].mostSteps': ['–', 'Leave out problems whose own solution has more steps; null: none.'],
  'solver.steps': ['none', 'Optimizer steps of the run’s own solver on worked problems.'],
  'solver.batch': ['–', 'Rows per step.'],
  'solver.learningRate': ['–', 'Peak learning rate: 10 steps of warm-up, then linear decay.'],
  solvers: [
    'Llama-3.1-8B, Qwen2.5-7B and 32B',
    'Who solves, each for problems of its own: see [Several solvers](#several-solvers).',
  ],
  'solvers[].policy': ['–', 'The run’s own `solver`, or `base`, the published model as it is.'],
  'solvers[].endpoint': [
    '–',
    'Or a server of chat completions (vLLM, llama.cpp): `{url, model, keyFrom}`; keyFrom names the environment variable of the worker with the key.',
  ],
  'solvers[].temperature': [
    'not stated',
    'Of all that it writes; null: `play.temperature`, in the validity check `play.rolloutTemperature`, on held-out problems 1.',
  ],
  'solvers[].weight': ['–', 'Problems that it takes at each of its turns.'],
  'supervised.pairs': ['13,000 and 21,800 rows', 'Labelled pairs of a right step and a wrong one.'],
  'supervised.file': [
    'PRM800K',
    'Solutions with rated steps in the form of PRM800K: the critic’s labelled steps come from it; null: from the pairs.',
  ],
  'supervised.teacher': [
    'DeepSeek-R1-Distill-Qwen-7B and GPT-4o',
    'Who writes the critiques that the critic learns from: the `rules` that made the error, the published `model` itself, or a server `{url, model, keyFrom}`; a teacher’s are kept where its verdict is the label.',
  ],
  'supervised.critiques': [
    '–',
    'Critiques that a teacher writes of each step; the first that agrees with the label is kept.',
  ],
  'supervised.written': [
    '13,000, with GPT-4',
    'Wrong steps of the types `logic` and `approach` that the teacher is asked for besides; the solvers confirm which are wrong.',
  ],
  'supervised.generator.steps': ['3 epochs', 'Optimizer steps of the round-0 generator.'],
  'supervised.generator.batch': ['64', 'Rows per step.'],
  'supervised.generator.learningRate': ['5e-6', 'Peak learning rate: 10 steps of warm-up, then linear decay.'],
  'supervised.critic.steps': ['3 epochs', 'Optimizer steps of the round-0 critic.'],
  'supervised.critic.batch': ['64', 'Rows per step.'],
  'supervised.critic.learningRate': ['5e-6', 'Peak learning rate: 10 steps of warm-up, then linear decay.'],
  'play.generator': ['learned', '`frozen`: the round-0 generator writes all wrong steps.'],
  'tokens.solution': ['–', 'Most tokens of a solution, or of the rest of one.'],
  'tokens.deception': ['–', 'Most tokens of the generator’s answer.'],
  'tokens.critique': ['–', 'Most tokens of a critique.'],
  'evaluation.natural': ['–', 'Held-out problems, per split, that the solver tries.'],
  'evaluation.tries': ['none', 'Ours: solutions of each; its first right step and its first wrong one are judged.'],
}
