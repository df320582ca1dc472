/** Best of K: of K answers the policy imitates the one that wins most (RAFT, Dong et al. 2023, with SPPO's games for a score). */
import { z } from 'zod'
import { optimizerFields } from '../../recipes/fields.ts'
import { exampleLength, imitate, optimizer } from '../../recipes/preferences/courses.ts'
import { preferenceVocabulary, stop, templates } from '../../recipes/preferences/prompts.ts'
import { sppoConfig } from '../../recipes/sppo/config.ts'
import { pairsOf } from '../../recipes/sppo/lessons.ts'
import { measure, MEASURED, summarise } from '../../recipes/sppo/measure.ts'
import { answer, judge } from '../../recipes/sppo/phases.ts'
import { range } from '../../shared/collections.ts'
import { Stream } from '../../shared/random.ts'
import { type Course, defineRecipe, type Example } from '../../shared/recipe.ts'
import { pairJudgeFrom } from '../../tasks/pair-judges.ts'

const update = z.strictObject(optimizerFields({ steps: 80, batch: 64, learningRate: 1e-3 })).prefault({})
const config = sppoConfig.omit({ update: true }).extend({ recipe: z.literal('best-of-k'), update })
export type BestOfKConfig = z.infer<typeof config>

const policy: Course<BestOfKConfig> = {
  summary: 'Imitate the best answer to each prompt',
  rounds: ({ round }) => [round], // whose games the lesson reads
  from: ({ round }) => ({ role: 'policy', version: round - 1 }),
  reference: () => null,
  loss: () => [{ term: 'nll', weight: 1 }],
  optimizer: ({ update: { learningRate } }) => optimizer(learningRate),
  batchRows: ({ update: { batch } }) => batch,
  length: exampleLength,
  lesson({ config: { seed, update }, round }, rows) {
    const pairs = pairsOf(rows)
    const example = (step: number, row: number): Example => {
      const { prompt, chosen } = new Stream(seed, 'best', round, step, row).draws().pick(pairs)
      return { prompt, completion: chosen.text, kind: 'supervised', advantage: 0 }
    }
    return {
      steps: pairs.length > 0 ? update.steps : 0,
      batch: (step) => range(0, update.batch).map((row) => example(step, row)),
      consumed: pairs.map(({ chosen }) => chosen.place),
      report: { best: pairs.length },
    }
  },
}

export const bestOfK = defineRecipe<BestOfKConfig>({
  name: 'best-of-k',
  config,
  vocabulary: ({ task }) => preferenceVocabulary(pairJudgeFrom(task)),
  stop,
  templates,
  phases: { answer, judge, measure },
  courses: { base: imitate(({ config: { base } }) => base.from && { ...base.from, role: 'policy' }), policy },
  measures: [MEASURED],
  summarise,
})
