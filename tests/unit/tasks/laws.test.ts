/** What every task promises, whoever wrote it: those of the registry, and the one that the docs show. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { reversal, reversalConfig } from '../../../examples/task-reversal.ts'
import { Stream } from '../../../shared/random.ts'
import { Vocabulary } from '../../../shared/vocabulary.ts'
import { taskConfig, taskFrom } from '../../../tasks/registry.ts'
import { errorTypes, type Task } from '../../../tasks/task.ts'

const tasks: Task[] = [
  taskFrom(taskConfig.parse({})),
  taskFrom(taskConfig.parse({ name: 'arithmetic', operands: [2, 6], multiplications: 2 })),
  taskFrom(taskConfig.parse({ name: 'multistep-arithmetic' })),
  reversal(reversalConfig.parse({ name: 'reversal' })),
]

describe.each(tasks.map((task) => [task.name, task] as const))('the task %s', (_name, task) => {
  const vocabulary = new Vocabulary(task.vocabulary, { numbers: task.numbers })
  const forProblems = (law: (problem: string, steps: string[], number: number) => void): void => {
    fc.assert(
      fc.property(fc.nat(), (number) => {
        const problem = task.problem(new Stream('law', number).draws())
        law(problem, task.solve(problem), number)
      }),
    )
  }

  it('makes the same problem from the same draws', () => {
    forProblems((problem, _steps, number) => expect(task.problem(new Stream('law', number).draws())).toBe(problem))
  })

  it('solves by steps that it reads, accepts and would write next, and grades the whole right', () => {
    forProblems((problem, steps) => {
      for (const [index, step] of steps.entries()) {
        const done = steps.slice(0, index)
        expect(task.isStep(step)).toBe(true)
        expect(task.check(problem, done, step)).toBe(true)
        expect(task.next(problem, done)).toBe(step)
      }
      expect(task.next(problem, steps)).toBeNull()
      expect(task.grade(problem, steps)).toBe(true)
      expect(task.answer(problem, steps)).not.toBeNull()
      expect(task.answer(problem, [])).toBeNull()
    })
  })

  it('claims with a step what makes it right, and the same at one length', () => {
    const { claimOf, alignedClaimOf } = task
    expect(claimOf === undefined).toBe(alignedClaimOf === undefined)
    if (!claimOf || !alignedClaimOf) return
    forProblems((problem, steps, number) => {
      const index = number % steps.length
      const done = steps.slice(0, index)
      const draws = new Stream('claim', number).draws()
      const wrong = task.corrupt(problem, done, steps[index] ?? '', draws.pick(errorTypes), draws)
      for (const step of [steps[index] ?? '', ...(wrong ? [wrong.step] : [])]) {
        expect(task.isStep(claimOf(step))).toBe(true)
        expect(task.check(problem, done, claimOf(step))).toBe(task.check(problem, done, step))
        expect(vocabulary.encode(alignedClaimOf(step))).toHaveLength(
          vocabulary.encode(alignedClaimOf(steps[0] ?? '')).length,
        )
        expect(alignedClaimOf(claimOf(step))).toBe(alignedClaimOf(step))
        expect(alignedClaimOf(step) === alignedClaimOf(steps[index] ?? '')).toBe(
          claimOf(step) === claimOf(steps[index] ?? ''),
        )
      }
    })
  })

  it('keeps within its own vocabulary and lengths', () => {
    const { longest } = task
    forProblems((problem, steps) => {
      expect(vocabulary.encode(problem).length).toBeLessThanOrEqual(longest.problem)
      expect(steps.length).toBeLessThanOrEqual(longest.steps)
      for (const step of steps) expect(vocabulary.encode(step).length).toBeLessThanOrEqual(longest.step)
    })
  })

  it('never calls a corrupted step right, and explains it in few tokens', () => {
    forProblems((problem, steps, number) => {
      const index = number % steps.length
      for (const type of errorTypes) {
        const draws = new Stream('corrupt', number).draws()
        const corruption = task.corrupt(problem, steps.slice(0, index), steps[index] ?? '', type, draws)
        if (!corruption) continue
        expect(task.isStep(corruption.step)).toBe(true)
        expect(task.check(problem, steps.slice(0, index), corruption.step)).toBe(false)
        for (const part of [corruption.from, corruption.to]) {
          expect(vocabulary.encode(part).length).toBeLessThanOrEqual(task.longest.replaced)
        }
      }
    })
  })
})
