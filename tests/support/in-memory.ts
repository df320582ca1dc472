/** A round of a recipe without services and engine: its own order of events, over rows in memory, by players of the test's choice. */
import type { RoundSteps, Rounds } from '../../workflows/round.ts'
import {
  type Answer,
  askInTurn,
  type BaseConfig,
  type ItemRow,
  phaseOf,
  type PlayContext,
  type Question,
  type Recipe,
  type Rows,
  type Said,
} from '../../shared/recipe.ts'
import type { PlayedBy } from '../../shared/ids.ts'
import { range } from '../../shared/collections.ts'

/** What a player says to a prompt, and in how many tokens. */
export type Player = (
  asked: { prompt: string; phase: string; question: Question; sample: number },
  player: PlayedBy,
) => { text: string; tokens: number }

export async function playRounds<Config extends BaseConfig>(
  recipe: Recipe<Config>,
  rounds: Rounds<Config>,
  config: Config,
  says: Player,
  /** What the run's files hold. */
  read: readonly ItemRow[] = [],
): Promise<Rows> {
  const rows: Rows = { items: [...read], episodes: [], turns: [] }
  for (const round of range(0, config.rounds + 1)) {
    const steps: RoundSteps<Config> = {
      config,
      round,
      update: async () => undefined,
      evaluate: async () => undefined,
      async play(phase, options) {
        const definition = phaseOf(recipe, phase)
        if (!definition) throw new Error(`no phase ${phase}`)
        const player = options?.player ?? null
        const context: PlayContext<Config> = { config, round, phase, player, from: 0, to: definition.items(config) }
        const reading = definition.reads?.(context) ?? { rounds: [round], sets: ['problems'] }
        const wanted = (row: { round: number }): boolean => reading.rounds.includes(row.round)
        const read: Rows = {
          items: rows.items.filter((row) => wanted(row) && reading.sets.includes(row.set)),
          episodes: rows.episodes.filter(wanted),
          turns: rows.turns.filter(wanted),
        }
        const samples = definition.sampling?.(config, phase).samples ?? 0
        const answered = (question: Question): Answer => {
          if (!player) throw new Error(`nobody plays ${phase}`)
          const turns = range(0, samples).map((sample) => {
            const said: Said[] = []
            for (let prompt: string | null | undefined = question.prompt; typeof prompt === 'string';) {
              said.push({ prompt, ...says({ prompt, phase, question, sample }, player) })
              prompt = question.next?.(said.map(({ text }) => text))
            }
            return said
          })
          return {
            question,
            texts: turns.map((said) => said.at(-1)?.text ?? ''),
            tokens: turns.map((said) => said.reduce((total, { tokens }) => total + tokens, 0)),
            turns,
          }
        }
        const answers = await askInTurn(
          definition.ask?.(context, read) ?? [],
          (given) => definition.askOn?.(context, read, given) ?? [],
          async (asked) => asked.map(answered),
        )
        const made = definition.answer(context, read, answers)
        replace(rows.items, made.items, ({ round: of, set, item }) => `${of}/${set}/${item}`)
        replace(rows.episodes, made.episodes, ({ round: of, episode }) => `${of}/${episode}`)
        replace(rows.turns, made.turns, ({ round: of, episode, turn }) => `${of}/${episode}/${turn}`)
      },
    }
    await (round === 0 ? rounds.first(steps) : rounds.next(steps))
  }
  return rows
}

/** New rows, or in the place of the old ones with their keys. */
function replace<Row>(stored: Row[], made: readonly Row[], keyOf: (row: Row) => string): void {
  const places = new Map(stored.map((row, index) => [keyOf(row), index]))
  for (const row of made) {
    const place = places.get(keyOf(row))
    if (place === undefined) stored.push(row)
    else stored[place] = row
  }
}
