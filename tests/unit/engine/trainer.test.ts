/** The trainer: bytes that do not depend on how a training is cut into calls, and errors that leave it as it was. */
import { createHash } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { Engine, Trainer, type TrainerPlan, type TrainerState, type TrainingRow } from '../../../engine/index.ts'
import { SideBySide } from '../../../engine/training/side-by-side.ts'
import { batchOf, MODEL, OPTIMIZER, PLAN, supervisedRow, thrownBy, WEIGHTS } from './support.ts'

const POLICY_GRADIENT: TrainerPlan = {
  ...PLAN,
  loss: [{ term: 'policy-gradient', weight: 1, ratio: 'sequence-mean', clip: 0.2, klInAdvantage: 0 }],
}

function digest({ weights, m, v, step }: TrainerState): string {
  const hash = createHash('sha256')
  for (const part of [weights, m, v]) hash.update(part)
  return `${hash.digest('hex')} ${step}`
}

function reinforced(changes: Partial<TrainingRow> = {}): TrainingRow {
  return { ...supervisedRow(6, 1), kind: 'reinforced', advantage: 1, old: [-2, -2, -2, -2], ...changes }
}

describe('training', () => {
  it('lowers the loss', async () => {
    const trainer = await Trainer.create({ ...PLAN, weights: WEIGHTS })
    const losses: number[] = []
    for (let call = 0; call < 8; call++) {
      losses.push(...(await trainer.step([1, 2, 1, 2].map(batchOf))).map(({ loss }) => loss))
    }
    expect(losses.at(-1)).toBeLessThan(0.5 * (losses[0] ?? 0))
  })

  it('gives the same bytes in one call, in two, one step at a time, and resumed in a new trainer', async () => {
    const batches = [1, 2, 3, 4].map(batchOf)
    const states: string[] = []
    for (const size of [4, 2, 1]) {
      let trainer = await Trainer.create({ ...PLAN, weights: WEIGHTS })
      for (let start = 0; start < 4; start += size) {
        await trainer.step(batches.slice(start, start + size))
        const { weights, ...resume } = trainer.state()
        trainer = await Trainer.create({ ...PLAN, weights, resume })
      }
      states.push(digest(trainer.state()))
    }
    expect(new Set(states).size).toBe(1)
  })

  it('gives the same bytes and numbers with the halves of a batch side by side, however calls alternate', async () => {
    // Over two thousand tokens, which make four parts.
    const plan = { ...PLAN, batchRows: 240, loss: POLICY_GRADIENT.loss.concat(PLAN.loss) }
    const rows = [1, 2, 3, 4].map((salt) =>
      Array.from({ length: 240 }, (_, row) => {
        const supervised = supervisedRow(6 + (row % 7), salt + row)
        return row % 3 ? supervised : { ...reinforced(), tokens: supervised.tokens.slice(0, 6) }
      }),
    )
    const ends: [string, unknown][] = []
    for (const ways of [
      [false, false],
      [true, true],
      [false, true],
      [true, false],
    ]) {
      const trainer = await Trainer.create({ ...plan, weights: WEIGHTS })
      const numbers = []
      for (const [call, sideBySide] of ways.entries())
        numbers.push(...(await trainer.step(rows.slice(2 * call, 2 * call + 2), { sideBySide })))
      ends.push([digest(trainer.state()), numbers])
      await trainer.close()
    }
    for (const end of ends) expect(end).toEqual(ends[0])
  })

  it('starts no second thread where there is no memory for it', async () => {
    const thread = vi.spyOn(SideBySide, 'create')
    const memory = vi.spyOn(process, 'availableMemory').mockReturnValue(process.memoryUsage.rss() / 2)
    const trainer = await Trainer.create({ ...PLAN, weights: WEIGHTS })
    await trainer.step([batchOf(1)], { sideBySide: true })
    expect(thread).not.toHaveBeenCalled()
    memory.mockRestore()
    await trainer.step([batchOf(1)], { sideBySide: true })
    expect(thread).toHaveBeenCalledOnce()
    thread.mockRestore()
    await trainer.close()
  })

  it('gives rows that fill up a batch no weight', async () => {
    const small = await Trainer.create({ ...PLAN, batchRows: 2, weights: WEIGHTS })
    const large = await Trainer.create({ ...PLAN, batchRows: 5, length: 16, weights: WEIGHTS })
    const rows = batchOf(3).slice(0, 2)
    const [a] = await small.step([rows])
    const [b] = await large.step([rows])
    expect(b?.loss).toBeCloseTo(a?.loss ?? Number.NaN, 5)
    expect(b?.gradientNorm).toBeCloseTo(a?.gradientNorm ?? Number.NaN, 4)
    expect([a?.tokens, b?.tokens]).toEqual([9 + 10 - 4, 9 + 10 - 4])
  })

  it('works out what is left open, and no row sees what fills lines up', async () => {
    const { model, loss, optimizer } = PLAN
    const length = model.context + 1
    const states: string[] = []
    for (const plan of [{}, { length, batchRows: 4, stepsPerCall: 2, padToken: 0 }, { padToken: 30 }]) {
      const trainer = await Trainer.create({ model, loss, optimizer, weights: WEIGHTS, ...plan })
      await trainer.step([batchOf(1), batchOf(2)])
      states.push(digest(trainer.state()))
    }
    expect(new Set(states).size).toBe(1)
  })

  it('keeps the decay away from norm weights', async () => {
    // Without gradient (advantage 0) a step is decay alone.
    const optimizer = { ...OPTIMIZER, learningRate: 0.5, weightDecay: 0.1 }
    const trainer = await Trainer.create({ ...POLICY_GRADIENT, optimizer, weights: WEIGHTS })
    await trainer.step([[reinforced({ advantage: 0 })]])
    const { weights } = trainer.state()
    const norms = (2 * MODEL.layers + 1) * MODEL.width
    const matrices = WEIGHTS.length - norms
    expect([...weights.subarray(matrices)]).toEqual(Array.from({ length: norms }, () => 1))
    expect(weights.subarray(0, matrices).every((weight, index) => close(weight, 0.95 * (WEIGHTS[index] ?? 0)))).toBe(
      true,
    )
  })

  it('leaves prompts and padding without influence on supervised loss weights', async () => {
    const trainer = await Trainer.create({ ...PLAN, weights: WEIGHTS })
    const [metrics] = await trainer.step([[supervisedRow(9, 1)]])
    expect(metrics?.tokens).toBe(7)
  })

  it('survives log-probabilities below -150 in rows that a term does not use', async () => {
    // exp(150) is infinite in float32, and a mask of 0 makes it NaN.
    const loss = [...POLICY_GRADIENT.loss, ...PLAN.loss, { term: 'kl', weight: 0.1 } as const]
    const huge = WEIGHTS.map((weight) => (weight === 1 ? 1 : 30 * weight))
    const trainer = await Trainer.create({ ...PLAN, loss, weights: huge })
    const rows = [supervisedRow(12, 5), supervisedRow(6, 1)]
    const [scores, old] = await new Engine().score({
      weights: huge,
      model: MODEL,
      rows,
      length: 12,
      batch: 2,
      padToken: 0,
    })
    expect(Math.min(...(scores ?? []))).toBeLessThan(-150)
    const on = old === undefined ? {} : { old, reference: old }
    const [metrics] = await trainer.step([[supervisedRow(12, 5), reinforced({ ...on, advantage: 0.5 })]])
    expect(metrics?.kl).toBeCloseTo(0, 5)
    expect(metrics?.terms['policy-gradient']).toBeCloseTo(-0.5, 4)
    expect(metrics?.terms.nll).toBeGreaterThan(80)
  })
})

describe('reinforce', () => {
  it('is the advantage times the likelihood, and needs nobody else’s', async () => {
    const plan: TrainerPlan = { ...PLAN, loss: [{ term: 'reinforce', weight: 1 }] }
    const after = async (on: TrainerPlan, rows: readonly TrainingRow[]) => {
      const trainer = await Trainer.create({ ...on, weights: WEIGHTS })
      const [metrics] = await trainer.step([rows])
      return { loss: metrics?.loss ?? Number.NaN, norm: metrics?.gradientNorm ?? Number.NaN }
    }
    const row = (advantage: number): TrainingRow => ({ ...supervisedRow(6, 1), kind: 'reinforced', advantage })
    const [likelihood, up, down] = [
      await after(PLAN, [supervisedRow(6, 1)]),
      await after(plan, [row(1)]),
      await after(plan, [row(-2)]),
    ]
    // Four tokens: the one is a mean over them, the other their sum.
    expect(up.loss).toBeCloseTo(4 * likelihood.loss, 4)
    expect(up.norm).toBeCloseTo(4 * likelihood.norm, 3)
    expect(down.loss).toBeCloseTo(-2 * up.loss, 4)
    expect(down.norm).toBeCloseTo(2 * up.norm, 3)
    // A mean over the reinforced rows, not over all.
    expect((await after(plan, [row(1), supervisedRow(9, 2)])).loss).toBeCloseTo(up.loss, 4)
  })
})

describe('the KL term', () => {
  it('counts each row by its weight, and measures it without', async () => {
    const reference = [-2, -3, -1, -2]
    const row = (changes: Partial<TrainingRow>): TrainingRow => reinforced({ reference, advantage: 0, ...changes })
    const step = async (rows: TrainingRow[], weight = 1) => {
      const trainer = await Trainer.create({ ...PLAN, loss: [{ term: 'kl', weight }], weights: WEIGHTS })
      const [metrics] = await trainer.step([rows])
      return { loss: metrics?.loss ?? Number.NaN, kl: metrics?.kl ?? Number.NaN, after: digest(trainer.state()) }
    }
    const other = { ...row({}), tokens: [9, 8, 7, 6, 5, 4] }
    const plain = await step([row({}), other])
    expect(await step([row({ klWeight: 1 }), { ...other, klWeight: 1 }])).toEqual(plain)
    const doubled = await step([row({ klWeight: 2 }), { ...other, klWeight: 2 }])
    expect(doubled).toEqual({ ...(await step([row({}), other], 2)), kl: plain.kl })
    const first = await step([row({}), { ...other, klWeight: 0 }])
    const second = await step([row({ klWeight: 0 }), other])
    expect(first.loss + second.loss).toBeCloseTo(plain.loss, 5)
    expect(first.loss).not.toBeCloseTo(second.loss, 3)
    expect(first.kl).toBe(plain.kl)
  })
})

describe('errors', () => {
  it('throws NonFiniteLossError and keeps the state', async () => {
    const trainer = await Trainer.create({ ...POLICY_GRADIENT, weights: WEIGHTS })
    await trainer.step([[reinforced()]])
    const before = digest(trainer.state())
    const bad = reinforced({ advantage: Number.NaN })
    const error = await thrownBy(() => trainer.step([[reinforced()], [bad]]))
    expect(error.name).toBe('NonFiniteLossError')
    expect(error.message).toMatch(/^step 3: loss NaN, gradient norm NaN\./)
    expect(digest(trainer.state())).toBe(before)
    await trainer.step([[reinforced()]])
    expect(trainer.state().step).toBe(2)
  })

  it.each<[string, TrainingRow, string]>([
    ['a long row', supervisedRow(13, 1), 'a row has 13 tokens, the padded length is 12'],
    [
      'no prompt',
      { ...supervisedRow(6, 1), completionFrom: 0 },
      'completionFrom 0 must lie in [1, 6), the length of its row',
    ],
    [
      'no completion',
      { ...supervisedRow(6, 1), completionFrom: 6 },
      'completionFrom 6 must lie in [1, 6), the length of its row',
    ],
    ['a foreign token', { ...supervisedRow(6, 1), tokens: [1, 2, 31] }, 'token 31 is outside the vocabulary of 31'],
    [
      'too few log-probabilities',
      reinforced({ old: [-1] }),
      "a row of 4 completion tokens has 1 'old' log-probabilities",
    ],
    ['no advantage', { ...supervisedRow(6, 1), kind: 'reinforced' }, 'a reinforced row has no advantage'],
  ])('refuses %s', async (_, row, message) => {
    const trainer = await Trainer.create({ ...POLICY_GRADIENT, weights: WEIGHTS })
    const error = await thrownBy(() => trainer.step([[row]]))
    expect([error.name, error.message]).toEqual(['RowError', message])
  })

  const compared = (id: string, side: 'chosen' | 'rejected'): TrainingRow => ({
    ...reinforced({ reference: [-2, -2, -2, -2], kind: 'compared' }),
    pair: { id, side },
  })

  it.each<[string, TrainingRow[], string]>([
    ['a lone row', [compared('a', 'chosen')], "pair 'a' has no rejected row in its batch"],
    [
      'two of one side',
      [compared('a', 'chosen'), compared('a', 'rejected'), compared('a', 'rejected')],
      "pair 'a' has two rejected rows in one batch",
    ],
    ['no pair', [reinforced({ kind: 'compared' })], 'a compared row belongs to no pair'],
    ['no target', [reinforced({ kind: 'regressed' })], 'a regressed row has no target'],
  ])('refuses %s', async (_, rows, message) => {
    const trainer = await Trainer.create({
      ...PLAN,
      loss: [{ term: 'pair-logistic', weight: 1, beta: 0.1 }],
      weights: WEIGHTS,
    })
    const error = await thrownBy(() => trainer.step([rows]))
    expect([error.name, error.message]).toEqual(['RowError', message])
  })

  it('names the log-probabilities that a loss needs', async () => {
    const trainer = await Trainer.create({ ...PLAN, loss: [{ term: 'kl', weight: 1 }], weights: WEIGHTS })
    const error = await thrownBy(() => trainer.step([[reinforced()]]))
    expect(error.message).toBe("the loss needs 'reference' log-probabilities on every reinforced row")
  })

  it.each<[Partial<TrainerPlan>, string]>([
    [{ loss: [] }, 'LossSpecError'],
    [{ loss: [...PLAN.loss, ...PLAN.loss] }, 'LossSpecError'],
    [{ loss: [{ term: 'nll', weight: 0 }] }, 'LossSpecError'],
    [{ loss: [{ term: 'pair-squared', weight: 1, beta: 0 }] }, 'LossSpecError'],
    [{ optimizer: { ...OPTIMIZER, beta1: 1 } }, 'OptimizerSpecError'],
    [{ model: { ...MODEL, heads: 3 } }, 'ModelConfigError'],
    [{ length: 60 }, 'RowError'],
  ])('refuses a plan with %j', async (changes, name) => {
    const error = await thrownBy(() => Trainer.create({ ...PLAN, ...changes, weights: WEIGHTS }))
    expect(error.name).toBe(name)
  })
})

function close(actual: number, expected: number): boolean {
  return Math.abs(actual - expected) <= 1e-6 * Math.max(1, Math.abs(expected))
}
