import { isPlain } from '../../shared/chat.ts'
import { sameAnswer } from '../../tasks/answers/equivalence.ts'
import { grade } from '../../tasks/answers/grade.ts'
import { paragraphsOf } from '../../tasks/problems/word-problems.ts'
import { isTrueStep } from '../../tasks/word-steps.ts'
import type { Answers, SearchWording } from '../search/wording.ts'
import { between, solverPrompt, stepPrompt, stop } from '../spc-text/prompts.ts'
import { textJudging } from '../spc-text/critique.ts'
import type { Posed } from '../spc/wording.ts'
import type { SearchTextConfig } from './config.ts'
import { readPosed, SEARCHED_PROBLEMS } from './problems.ts'

/** The language of a chat model on word problems: a step is a paragraph, and what can be checked of it is its arithmetic. */
export const textWording = ({ critique, tokens }: SearchTextConfig): SearchWording => ({
  sets: [SEARCHED_PROBLEMS],
  problems: ({ items }) => items.filter(({ set }) => set === SEARCHED_PROBLEMS).map(readPosed),
  solverPrompt,
  stepPrompt,
  proposal(text) {
    const ended = text.endsWith(stop)
    if (!isPlain(text) || !(ended || text.endsWith(between))) return null
    const step = (ended ? text.slice(0, -stop.length) : text).trim()
    // Behind a blank line the solver may find that it has said all.
    return step === '' && !ended ? null : { step, ended }
  },
  ends: between,
  tokens: { solution: tokens.solution, step: tokens.step },
  steps: (text) => (text.endsWith(stop) && isPlain(text) ? paragraphsOf(text.slice(0, -stop.length)) : null),
  answers: answersOf,
  ...textJudging({ critique, tokens }),
  check: (_problem, _done, step) => isTrueStep(step),
  checker: 'arithmetic',
})

/** Answers are written in many ways: each is told by the first that meant the same, and those that are right by the right one. */
function answersOf({ answer: right }: Posed): Answers {
  if (right === null) throw new Error('a problem of a file has an answer')
  const known = [right]
  return {
    right,
    of(steps) {
      const { answer } = grade(steps.join('\n'), right)
      if (answer === null) return null
      const same = known.find((one) => sameAnswer(answer, one))
      if (same === undefined) known.push(answer)
      return same ?? answer
    },
  }
}
