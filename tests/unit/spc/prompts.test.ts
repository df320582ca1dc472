import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { spcConfig } from '../../../recipes/spc/config.ts'
import * as lengths from '../../../recipes/spc/lengths.ts'
import { taskOf } from '../../../recipes/spc/problems.ts'
import * as prompts from '../../../recipes/spc/prompts.ts'
import { baseExample, criticExamples, generatorExample } from '../../../recipes/spc/supervised.ts'
import { errorTypes } from '../../../tasks/task.ts'

const config = spcConfig.parse({ recipe: 'spc' })
const vocabulary = prompts.spcVocabulary(taskOf(config))

describe('the players’ texts', () => {
  it('read back as written', () => {
    fc.assert(
      fc.property(fc.nat(5000), (number) => {
        const generator = generatorExample(config, number)
        const deception = prompts.parseDeception(generator.completion)
        expect(deception && prompts.generatorCompletion(deception)).toBe(generator.completion)
        for (const critique of ['seen', 'blind'] as const) {
          const [wrong, right] = criticExamples({ ...config, critique }, errorTypes, 'test', number)
          expect(prompts.parseVerdict(wrong.completion)).toBe('Incorrect')
          expect(prompts.parseVerdict(right.completion)).toBe('Correct')
          expect(wrong.prompt).not.toBe(right.prompt)
        }
        const [wrong, right] = criticExamples(config, errorTypes, 'test', number)
        expect(prompts.parseVerdict(wrong.completion)).toBe('Incorrect')
        expect(prompts.parseVerdict(right.completion)).toBe('Correct')
      }),
    )
  })

  it('survive the vocabulary, and fit the context', () => {
    fc.assert(
      fc.property(fc.nat(5000), (number) => {
        for (const example of [baseExample(config, 'test', 0.5, 0, number), generatorExample(config, number)]) {
          const text = example.prompt + example.completion
          const tokens = vocabulary.encode(text)
          expect(vocabulary.decode(tokens)).toBe(text)
          expect(tokens.length).toBeLessThanOrEqual(lengths.contextNeeded(taskOf(config)))
        }
      }),
    )
  })

  it('fit the lengths that the updates are padded to, whatever a player fills its tokens with', () => {
    const plus = (count: number): string => '+'.repeat(count)
    const part = fc.integer({ min: 1, max: 12 })
    fc.assert(
      fc.property(
        fc.record({ problem: part, steps: part, step: part, replaced: fc.integer({ min: 1, max: 4 }) }),
        fc.array(part, { minLength: 1, maxLength: 12 }),
        fc.record({ from: part, to: part, step: part, critique: part }),
        (longest, stepSizes, said) => {
          const task = { longest }
          const size = (...texts: string[]): number => vocabulary.encode(texts.join('')).length
          const problem = plus(longest.problem)
          // What solutionSteps lets into a game: no more steps, and no longer ones, than the task says.
          const steps = stepSizes.slice(0, longest.steps).map((tokens) => plus(Math.min(tokens, longest.step)))
          expect(size(prompts.solverCompletion(steps))).toBeLessThanOrEqual(lengths.solutionTokens(task))
          const [done, right] = [steps.slice(0, -1), steps.at(-1) ?? '']
          const deception = { type: 'logic', from: plus(said.from), to: plus(said.to), step: plus(said.step) } as const
          const deceived = prompts.generatorCompletion(deception)
          fc.pre(size(deceived) <= lengths.deceptionTokens(task))
          expect(prompts.parseDeception(deceived)).toEqual(deception)
          expect(size(prompts.generatorPrompt(problem, done, right), deceived)).toBeLessThanOrEqual(
            lengths.deceptionLength(task),
          )
          const critique = prompts.criticCompletion(plus(said.critique), 'Incorrect')
          fc.pre(size(critique) <= lengths.critiqueTokens(task))
          for (const step of [right, deception.step]) {
            expect(size(prompts.criticPrompt(problem, done, step), critique)).toBeLessThanOrEqual(
              lengths.critiqueLength(task),
            )
            const verdict = prompts.verdictPrompt(problem, done, plus(Math.min(said.critique, longest.step)), step)
            expect(size(verdict, prompts.verdictCompletion('Incorrect'))).toBeLessThanOrEqual(
              lengths.verdictLength(task),
            )
            expect(lengths.verdictLength(task)).toBeLessThanOrEqual(lengths.contextNeeded(task))
            const rollout = size(prompts.rolloutPrompt(problem, done, step)) + lengths.rolloutTokens(task)
            expect(rollout).toBeLessThanOrEqual(lengths.contextNeeded(task))
          }
        },
      ),
    )
  })

  it('give the same tokens back for anything a model may write', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: vocabulary.size - 1 })), (tokens) => {
        expect(vocabulary.encode(vocabulary.decode(tokens))).toEqual(tokens)
      }),
    )
  })

  it.each(['', '.', '37+48=85', '37+48=85.', '37+48=85=>Correct', '=>Correct=>Incorrect.', '37=>Maybe.'])(
    'no verdict in %j',
    (text) => expect(prompts.parseVerdict(text)).toBeNull(),
  )

  it.each(['', 'calculation!1>2:3', 'calculation!1:3+4=7.', 'guess!1>2:3+4=8.', 'logic!1>2:3+4=8;5.', 'logic!1>2:.'])(
    'no deception in %j',
    (text) => expect(prompts.parseDeception(text)).toBeNull(),
  )

  it('say what cannot be read, and what could be', () => {
    expect(() => vocabulary.encode('12+345')).toThrow(/"345".*"12\+345"/)
    expect(errorTypes.every((type) => vocabulary.tokens.includes(`${type}!`))).toBe(true)
  })
})
