/** The caches of all rows being decoded, group by group as the decode graph reads them. */
import { type LlamaConfig } from '../models/llama.ts'
import { required } from '../runtime/records.ts'
import { type Feed, floatFeed, integerFeed } from '../runtime/session.ts'
import { type KeyValues, RowCaches } from './key-values.ts'
import { cacheNames, rowGroups } from './stored-graphs.ts'

export class GroupedCaches {
  readonly #layers: number
  readonly #groups: readonly RowCaches[]
  readonly #places: readonly { readonly group: RowCaches; readonly row: number }[]

  constructor(model: LlamaConfig, rows: number) {
    const sizes = rowGroups(rows)
    this.#layers = model.layers
    this.#groups = sizes.map((size) => new RowCaches(model, size))
    this.#places = this.#groups.flatMap((group, index) =>
      Array.from({ length: sizes[index] ?? 0 }, (_, row) => ({ group, row })),
    )
  }

  /** The caches that a row lies in, and its number there. */
  at(place: number): { readonly group: RowCaches; readonly row: number } {
    const found = this.#places[place]
    if (found === undefined) throw new RangeError(`there is no row ${place}`)
    return found
  }

  /** Makes room for as many tokens as each row needs, and frees what is not needed. */
  resize(tokens: readonly number[]): void {
    for (const group of this.#groups) {
      group.resize(Math.max(...tokens.filter((_, place) => this.at(place).group === group)))
    }
  }

  /** What a call made: [rows, keyValueHeads, made, headSize] by layer, of which a row keeps all. */
  append(place: number, cached: number, keyValues: KeyValues, made: number): void {
    const { group, row } = this.at(place)
    group.write(row, cached, keyValues, place, made)
  }

  feeds(): Record<string, Feed> {
    const feeds: Record<string, Feed> = {}
    for (const [index, { arrays, shape }] of this.#groups.entries()) {
      const [, , capacity] = shape
      const columns = Int32Array.from({ length: capacity }, (_, column) => column)
      feeds[`columns.${index}`] = integerFeed(columns, [1, capacity])
      for (const [number, name] of cacheNames(this.#layers).entries()) {
        feeds[`${name}.${index}`] = floatFeed(required(arrays[number], name), shape)
      }
    }
    return feeds
  }
}
