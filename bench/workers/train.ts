/** Our side of `npm run bench -- train`: one training step. Its argument is the plan as JSON (see train.ts). */
import { repetitions, serve } from '../candidate.ts'
import { trainingPlan } from '../train.ts'
import { openTraining } from '../training.ts'

const { threads, ...plan } = trainingPlan.parse(JSON.parse(process.argv[2] ?? 'null'))
// Two threads compute a half of each batch, as an operator of a small model has too little work for two. LoRA's batch is one part, which
// has no halves: there they share each operator.
const sideBySide = threads > 1 && plan.lora === undefined
const training = await openTraining({ ...plan, threads: sideBySide ? Math.ceil(threads / 2) : threads, sideBySide })
await training.steps(1)

await serve({ buildSeconds: training.buildSeconds }, repetitions, ({ repeat }) => training.steps(repeat))
await training.close()
