import { isPlain } from '../../shared/chat.ts'
import type { Wording } from '../spc/wording.ts'
import { readCritiques, type StepToJudge } from '../spc/critique.ts'
import type { SpcTextConfig } from './config.ts'
import { criticPrompt, stop, verdictPrompt, words, workPrompt } from './prompts.ts'

/**
 * How a critic that speaks the language of a chat model comes to its verdict. `seen`, as in the paper: one text, which works the
 * step out and then judges it; a small model copies what the step has. `blind`, ours: it is first shown the step without its
 * results and works them out, and is shown them only then. The verdict is a turn of its own, and it is what play rewards.
 */
export interface Judging {
  critique: SpcTextConfig['critique']
  tokens: { critique: number }
}

/** Tokens of a verdict alone, with room to spare whatever the tokenizer. */
const VERDICT = 16

export const textJudging = ({
  critique,
  tokens,
}: Judging): Pick<Wording, 'critiqueQuestion' | 'critiqueSampling' | 'critiques'> => ({
  critiqueQuestion: (key, judged) =>
    critique === 'seen'
      ? { key, prompt: criticPrompt(judged) }
      : { key, prompt: workPrompt(judged), next: (said) => afterWorking(judged, said) },
  critiqueSampling: (samples, temperature) =>
    critique === 'seen'
      ? { samples, temperature, maximumNewTokens: tokens.critique }
      : { samples, temperature: [0, temperature], maximumNewTokens: [tokens.critique, VERDICT] },
  critiques: (answer) => readCritiques(answer, words.parse),
})

/** Asks for the verdict behind a critic's own working; null where it wrote none, and after the verdict. */
function afterWorking(judged: StepToJudge, [working = '', ...later]: readonly string[]): string | null {
  const own = working.endsWith(stop) ? working.slice(0, -stop.length).trim() : ''
  const isOne = own !== '' && !own.includes('\n') && isPlain(own)
  return isOne && later.length === 0 ? verdictPrompt(judged, own) : null
}
