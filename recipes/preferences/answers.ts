import type { Answer, EpisodeRow, PlayContext, Rows, TurnRow } from '../../shared/recipe.ts'

/** A game for each prompt, in which the policy has answered it several times. */
export function answeredGames({ round, player }: PlayContext<unknown>, answers: readonly Answer[]): Rows {
  if (!player) throw new Error('nobody answers')
  const episodes = answers.map(({ question: { key, prompt } }): EpisodeRow => {
    return { round, episode: Number(key), item: Number(key), data: { prompt }, outcome: null }
  })
  const turns = answers.flatMap(({ question: { key, prompt }, texts, tokens }) =>
    texts.map((text, sample): TurnRow => {
      const said = { prompt, text, tokens: tokens[sample] ?? 0, verdict: null, reward: null }
      return { round, episode: Number(key), turn: `answer/${sample}`, ...player, ...said }
    }),
  )
  return { items: [], episodes, turns }
}
