import type { Estimate } from './estimates.ts'
import { interval, MISSING, percent } from './format.ts'
import { type Fragment, html, Html, nothing } from './html.ts'

export interface Table {
  caption?: string
  head: Fragment[]
  /** Titles over several columns of the head, from the left. */
  over?: { title: string; columns: number }[]
  rows: Fragment[][]
  /** Columns that hold words; all others hold numbers and are set flush right. */
  words?: readonly number[]
}

/** A table that scrolls sideways by itself on a narrow screen, its first column, which names the row, staying in sight. */
export function table({ caption, head, over = [], rows, words = [0] }: Table): Html {
  const kind = (column: number): string => (words.includes(column) ? 'word' : 'number')
  const row = (cells: Fragment[]): Html =>
    html`<tr>
      ${cells.map((cell, column) => {
        if (cell instanceof Cell) return html`<td class="${kind(column)} tint" style="--tint:${cell.tint}">${cell}</td>`
        return column === 0
          ? html`<th scope="row" class="${kind(0)}">${cell}</th>`
          : html`<td class="${kind(column)}">${cell}</td>`
      })}
    </tr>`
  const groups = html`<tr>
    ${over.map(({ title, columns }) => html`<th scope="colgroup" colspan="${columns}">${title}</th>`)}
  </tr>`
  // The caption stands outside, so that it wraps where the table scrolls.
  return html`<div class="table">
    ${caption ? html`<p class="caption">${caption}</p>` : nothing}
    <div class="scroll">
      <table aria-label="${caption ?? null}">
        <thead>
          ${over.length > 0 ? groups : nothing}
          <tr>
            ${head.map((cell, column) => html`<th scope="col" class="${kind(column)}">${cell}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.map(row)}
        </tbody>
      </table>
    </div>
  </div>`
}

/** A cell whose background says how large its share is. */
export class Cell extends Html {
  readonly tint: string

  constructor(content: Html, tint: number) {
    super(content.text)
    this.tint = Math.min(1, Math.max(0, tint)).toFixed(3)
  }
}

/** `62.1 %` over its interval in small print. */
export function estimate(value: Estimate | null): Html {
  if (!value) return html`<span class="none">${MISSING}</span>`
  return html`${percent(value.value)} <small>${interval(value)}</small>`
}

export function tinted(value: Estimate | null): Html {
  return value ? new Cell(estimate(value), value.value) : estimate(value)
}

/** A number with a bar behind it, `share` of the cell's width. */
export const barred = (text: string, share: number): Html =>
  html`<span class="bar" style="--share:${Math.max(0, Math.min(1, share)).toFixed(3)}">${text}</span>`

/** Names and values, for facts that make no table. */
export function facts(rows: readonly [Fragment, Fragment][]): Html {
  return html`<dl class="facts">
    ${rows.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`
}
