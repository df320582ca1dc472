/** `critique: values`: what a critic worked out is no part of its verdict's prompt, and still of the record. */
import { describe, expect, it } from 'vitest'
import { gameLines } from '../../../cli/games.ts'
import { spcConfig } from '../../../recipes/spc/config.ts'
import { criticise } from '../../../recipes/spc/phases.ts'
import { gameCard } from '../../../recipes/spc/report/games.ts'
import { readGame } from '../../../recipes/spc/games.ts'
import type { Answer, EpisodeRow, Question } from '../../../shared/recipe.ts'

const config = spcConfig.parse({
  recipe: 'spc',
  critique: 'values',
  task: { name: 'multistep-arithmetic' },
  model: { context: 296 },
  play: { critiques: 2 },
})
const [own, sneaky] = ['5*¯5=¯25,4+¯6=¯2,¯2-¯25=23', '5*¯5=25,4+¯6=¯2,¯2-25=¯27']
const game: EpisodeRow = {
  round: 1,
  episode: 7,
  item: 3,
  data: { problem: '4+¯6-5*¯5', solution: own, done: [], right: own, sneaky, errorType: 'calculation', valid: true },
  outcome: null,
}

/** The first critique of a step comes to a verdict; the second writes no step. */
function answered(question: Question): Answer {
  const prompt = question.next?.([`${own}.`])
  if (!prompt) throw new Error('the critic was not asked for its verdict')
  const working = { prompt: question.prompt, text: `${own}.`, tokens: 27 }
  const unfinished = { prompt: question.prompt, text: '5*¯;', tokens: 4 }
  return {
    question,
    texts: ['=>Incorrect.', unfinished.text],
    tokens: [29, 4],
    turns: [[working, { prompt, text: '=>Incorrect.', tokens: 2 }], [unfinished]],
  }
}

describe('a critique of values', () => {
  const context = { config, round: 1, phase: 'criticise', player: { role: 'critic', version: 0 }, from: 0, to: 8 }
  const rows = { items: [], episodes: [game], turns: [] }
  const { turns } = criticise.answer(context, rows, (criticise.ask?.(context, rows) ?? []).map(answered))

  it('is two turns in the record, each with its own prompt and tokens', () => {
    const about = (side: string) =>
      turns
        .filter(({ turn }) => turn.includes(`/${side}/`))
        .map(({ turn, prompt, text, tokens, verdict }) => [turn, prompt, text, tokens, verdict])
    expect(about('sneaky')).toEqual([
      ['work out/criticise/sneaky/0', '4+¯6-5*¯5:', `${own}.`, 27, null],
      ['criticise/sneaky/0', ':+000023>¯000027?', '=>Incorrect.', 2, 'Incorrect'],
      ['criticise/sneaky/1', '4+¯6-5*¯5:', '5*¯;', 4, null],
    ])
    expect(about('right')).toHaveLength(3)
  })

  it('is shown whole, in the lines of a game and in the report', () => {
    const shown = `${own}=>Incorrect.`
    const lines = gameLines({ ...game, turns: turns.map((turn) => ({ ...turn, consumedBy: [] })) }, {})
    expect(lines.join('\n')).toContain(shown)
    const card = gameCard((text) => text, { kind: 'catch', game: readGame(game), alike: 1 }, turns, [])
    expect(card.text).toContain(`<span class="say">${own}</span>, so`)
  })
})
