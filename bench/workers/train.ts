/** Our side of `npm run bench -- train`: one training step. Its argument is the plan as JSON (see train.ts). */
import { repetitions, serve } from '../candidate.ts'
import { trainingPlan } from '../train.ts'
import { openTraining } from '../training.ts'

const plan = trainingPlan.parse(JSON.parse(process.argv[2] ?? 'null'))
const training = await openTraining(plan)
await training.steps(1)

await serve({ buildSeconds: training.buildSeconds }, repetitions, ({ repeat }) => training.steps(repeat))
await training.close()
