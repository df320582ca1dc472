import { range } from '../../shared/collections.ts'
import { Stream } from '../../shared/random.ts'
import type { Course, Example, ItemRow, LossTerm, OptimizerConfig } from '../../shared/recipe.ts'
import { UserError } from '../../shared/errors.ts'
import { equalitiesOf } from '../../tasks/word-steps.ts'
import { spcLoss } from '../spc/courses.ts'
import { type Learner, playLesson, type Supply, supervisedLesson } from '../spc/lessons.ts'
import { opponents } from '../spc/schedule.ts'
import type { SpcTextConfig } from './config.ts'
import { CRITIQUES, labelledExamples, PAIRS, pairsByType, workedExample, workedStep } from './labelled.ts'
import { words } from './prompts.ts'
import { PROBLEMS, problemsOf, RATED, shuffled } from './problems.ts'
import { WRITTEN } from './written.ts'

/** The updates of a run: a solver, two supervised players, and the update by play. All are adapters over one model. */
type TextCourse = Course<SpcTextConfig>
const nll: LossTerm[] = [{ term: 'nll', weight: 1 }]

const optimizer = (learningRate: number): OptimizerConfig => ({
  learningRate,
  warmupSteps: 10,
  weightDecay: 0,
  clipNorm: 1,
  decay: 'linear',
})
/** What players learn from in round 0, and again beside their games. */
const sets: Record<Learner, readonly string[]> = {
  generator: [PAIRS, WRITTEN],
  critic: [PAIRS, WRITTEN, RATED, CRITIQUES],
}
const length = ({ model }: SpcTextConfig): number => model.context

const solver: TextCourse = {
  summary: 'The solver: the published model, fine-tuned on worked problems',
  rounds: () => [],
  sets: [PROBLEMS],
  from: () => null,
  reference: () => null,
  loss: () => nll,
  optimizer: (config) => optimizer(config.solver.learningRate),
  batchRows: (config) => config.solver.batch,
  length,
  lesson({ config }, rows) {
    const { steps, batch } = config.solver
    const worked = workedExamples(config, rows.items)
    return {
      steps,
      batch: (step) => range(step * batch, (step + 1) * batch).map((row) => at(worked, row)),
      consumed: [],
      report: { problems: worked.length, rows: steps * batch },
    }
  },
}

/** The training problems that have a solution, in one order. */
function workedExamples(config: SpcTextConfig, items: readonly ItemRow[]): Example[] {
  const problems = problemsOf(items, 'train').filter(({ steps }) => steps.length > 0)
  return shuffled(config, problems, 'worked problems').map(workedExample)
}

/** What keeps a blind critic's own working right while its verdicts are trained: every step of a solution that states an equality. */
const workedSteps = (items: readonly ItemRow[]): Example[] =>
  problemsOf(items, 'train').flatMap(({ problem, steps }) =>
    steps.flatMap((step, index) =>
      equalitiesOf(step).length === 0 ? [] : [workedStep({ problem, done: steps.slice(0, index), step }, step)],
    ),
  )

function at(examples: readonly Example[], index: number): Example {
  const example = examples[index % Math.max(1, examples.length)]
  if (example) return example
  throw new UserError(
    'the problems have no worked solutions to learn from',
    'name a file with solutions, such as that of GSM8K',
  )
}

/** The labelled pairs, and worked problems for rehearsal. */
function supplyOf(learner: Learner, config: SpcTextConfig, items: readonly ItemRow[]): Supply {
  const worked = config.critique === 'seen' ? workedExamples(config, items) : workedSteps(items)
  return {
    labelled: labelledExamples(learner, config, items),
    worked: (...path) =>
      at(worked, new Stream(config.seed, 'rehearsal', ...path).integer(0, Math.max(1, worked.length))),
    words,
  }
}

function supervise(learner: Learner, summary: string): TextCourse {
  return {
    summary,
    rounds: () => [],
    sets: sets[learner],
    from: () => null,
    reference: () => null,
    loss: () => nll,
    optimizer: ({ supervised }) => optimizer(supervised[learner].learningRate),
    batchRows: ({ supervised }) => supervised[learner].batch,
    length,
    lesson(context, rows) {
      const labelled = labelledExamples(learner, context.config, rows.items)
      const lesson = supervisedLesson(learner, context, { labelled })
      if (learner === 'critic') return lesson
      return { ...lesson, report: { ...lesson.report, types: pairsByType(rows.items) } }
    },
  }
}

function learnFromPlay(learner: Learner, summary: string): TextCourse {
  const rounds: TextCourse['rounds'] = ({ config, round }) => opponents(config, round).rounds
  return {
    summary,
    rounds: (context) => (context.config.update.learn === 'play' ? rounds(context) : []),
    sets: learner === 'critic' ? [...sets.critic, PROBLEMS] : sets.generator,
    from: ({ config, round }) => ({ role: learner, version: opponents(config, round).from }),
    reference: () => ({ role: learner, version: 0 }),
    loss: (config) => spcLoss(learner, config),
    optimizer: ({ update }) => optimizer(update[learner].learningRate),
    batchRows: ({ update }) => update[learner].batch * (update.learn === 'play' ? 2 : 1),
    length,
    lesson: (context, rows) =>
      playLesson(learner, context, supplyOf(learner, context.config, rows.items), rounds(context).length, rows),
  }
}

export const courses: Record<string, TextCourse> = {
  solver,
  'supervise generator': supervise('generator', 'Teach the model to deceive, from labelled pairs'),
  'supervise critic': supervise('critic', 'Teach the model to judge, from labelled pairs'),
  generator: learnFromPlay('generator', 'Update the sneaky generator on its games'),
  critic: learnFromPlay('critic', 'Update the critic on its games'),
}
