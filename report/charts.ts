import { range } from '../shared/collections.ts'
import type { Estimate } from './estimates.ts'
import { html, Html, nothing } from './html.ts'
import { percent } from './format.ts'
import { chartStyle } from './style.ts'

export interface Series {
  name: string
  points: { x: number; estimate: Estimate }[]
}

export interface LineChart {
  title: string
  /** What the horizontal axis counts. */
  along: string
  series: Series[]
  /** Top of the vertical axis; fitted to the values when left out. */
  top?: number
  /** How values are written: as shares, unless told otherwise. */
  written?: (value: number) => string
  /** How far apart, in pixels, the series stand at one place; 0 where places are measured themselves. */
  spread?: number
  /** Equal factors are equally far apart; every place is above 0. */
  logarithmic?: boolean
}

const [WIDTH, HEIGHT] = [440, 250]
const plot = { left: 44, right: WIDTH - 98, top: 12, bottom: HEIGHT - 36 }
const LABEL_HEIGHT = 14
/** An image that has no page around it: room for its title, and for whole names, of letters so wide. */
const HEADING = 26
const LETTER = 7.6
/** Series at one round stand a little apart, so that their intervals can be told apart. */
const DODGE = 5

/** Shares (or other numbers from 0 up) by round: a line, a mark and a 95 % interval for each series, named at its right end. */
export function lineChart(chart: LineChart): Html {
  if (chart.series.every(({ points }) => points.length === 0)) return nothing
  return html`<figure class="chart">
    <figcaption>${chart.title}</figcaption>
    ${drawing(chart, false)}
  </figure>`
}

/** The same as an image of its own, with its title: a file of SVG. */
export const chartImage = (chart: LineChart): string => `${drawing(chart, true).text}\n`

function drawing(chart: LineChart, standalone: boolean): Html {
  const { title, along, series, top, written, spread = DODGE, logarithmic = false } = chart
  const shown = series.filter(({ points }) => points.length > 0)
  const place = (value: number): number => (logarithmic ? Math.log(value) : value)
  const xs = [...new Set(shown.flatMap(({ points }) => points.map(({ x }) => x)))].toSorted((a, b) => a - b)
  const ceiling = top ?? niceTop(Math.max(...shown.flatMap(({ points }) => points.map((point) => point.estimate.high))))
  const [first = 0, last = 0] = [xs[0], xs.at(-1)]
  const inset = 6 + (spread * shown.length) / 2
  const x = (value: number): number => {
    const [from, to] = [plot.left + inset, plot.right - inset]
    const share = (place(value) - place(first)) / (place(last) - place(first))
    return last === first ? (from + to) / 2 : from + share * (to - from)
  }
  const y = (value: number): number => plot.bottom - (value / ceiling) * (plot.bottom - plot.top)
  const grid = [0, 0.25, 0.5, 0.75, 1].map((part) => part * ceiling)
  const told = ({ value, low, high, of }: Estimate): string => {
    const write = written ?? percent
    return of === 0 ? write(value) : `${write(value)} (${write(low)} to ${write(high)})`
  }
  const labels = apart(shown.map(({ points }) => y(points.at(-1)?.estimate.value ?? 0)))
  const drawn = html` ${grid.map(
      (value) =>
        html`<line class="grid" x1="${plot.left}" x2="${plot.right}" y1="${px(y(value))}" y2="${px(y(value))}" />
          <text class="tick" x="${plot.left - 7}" y="${px(y(value) + 4)}" text-anchor="end"
            >${written ? written(value) : percent(value, ceiling < 0.1 && value > 0 ? 1 : 0)}</text
          >`,
    )}
    ${(logarithmic ? decades(first, last) : ticks(xs)).map((value) => html`<text class="tick" x="${px(x(value))}" y="${plot.bottom + 17}" text-anchor="middle">${value}</text>`)}
    <text class="tick" x="${plot.right + 8}" y="${plot.bottom + 17}">${along}</text>
    ${shown.map(({ name, points }, index) => {
      const dodge = (index - (shown.length - 1) / 2) * spread
      const places = points.map((point) => ({ ...point, px: x(point.x) + dodge, py: y(point.estimate.value) }))
      return html`<g class="series s${index % 6}">
        ${places.map(({ estimate, px: at }) => html`<line class="interval" x1="${px(at)}" x2="${px(at)}" y1="${px(y(estimate.low))}" y2="${px(y(Math.min(ceiling, estimate.high)))}" />`)}
        <polyline points="${places.map((place) => `${px(place.px)},${px(place.py)}`).join(' ')}" />
        ${places.map((place) => html`<path d="${mark(index, place.px, place.py)}"><title>${name}, ${along} ${place.x}: ${told(place.estimate)}</title></path>`)}
        <text class="name" x="${plot.right + 8}" y="${px((labels[index] ?? 0) + 4)}">${name}</text>
      </g>`
    })}`
  if (!standalone)
    return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}, by ${along}">${drawn}</svg>`
  const width = Math.max(WIDTH, plot.right + 14 + LETTER * Math.max(...shown.map(({ name }) => name.length)))
  return html`<svg
    xmlns="http://www.w3.org/2000/svg"
    viewBox="0 ${-HEADING} ${width} ${HEIGHT + HEADING}"
    role="img"
    aria-label="${title}, by ${along}"
  >
    <style>
      ${new Html(chartStyle)}
    </style>
    <rect x="0" y="${-HEADING}" width="${width}" height="${HEIGHT + HEADING}" fill="var(--paper)" />
    <text class="title" x="${plot.left - 30}" y="-8">${title}</text>
    ${drawn}
  </svg>`
}

const px = (value: number): string => value.toFixed(1)

/** Marks differ by shape as well as by colour: for print without colour, and for eyes that do not tell the colours apart. */
function mark(index: number, x: number, y: number): string {
  const at = (dx: number, dy: number): string => `${px(x + dx)},${px(y + dy)}`
  const shapes = [
    `M${at(-3.4, 0)}a3.4,3.4 0 1,0 6.8,0a3.4,3.4 0 1,0 -6.8,0z`,
    `M${at(-3, -3)}h6v6h-6z`,
    `M${at(0, -4.4)}L${at(4.4, 0)}L${at(0, 4.4)}L${at(-4.4, 0)}z`,
    `M${at(0, -4)}L${at(4, 3.2)}L${at(-4, 3.2)}z`,
    `M${at(0, 4)}L${at(4, -3.2)}L${at(-4, -3.2)}z`,
    `M${at(-4, -1.4)}h8v2.8h-8z`,
  ]
  return shapes[index % shapes.length] ?? ''
}

/** Moves names apart that would overlap, keeping their order, and back up when they leave the chart. */
function apart(wanted: readonly number[]): number[] {
  const order = wanted.map((at, index) => ({ at, index })).toSorted((a, b) => a.at - b.at)
  for (const [position, label] of order.entries()) {
    const above = order[position - 1]
    if (above) label.at = Math.max(label.at, above.at + LABEL_HEIGHT)
  }
  for (const [position, label] of [...order.entries()].toReversed()) {
    label.at = Math.min(label.at, order[position + 1] ? order[position + 1]!.at - LABEL_HEIGHT : plot.bottom - 2)
  }
  const placed = [...wanted]
  for (const { at, index } of order) placed[index] = at
  return placed
}

/** At most eleven numbers along the axis: those of the points where they are evenly spaced, such as rounds, or round ones. */
function ticks(xs: readonly number[]): number[] {
  const [first = 0, last = 0] = [xs[0], xs.at(-1)]
  const gaps = new Set(xs.slice(1).map((value, index) => value - (xs[index] ?? 0)))
  if (gaps.size <= 1) return xs.filter((_, index) => index % Math.ceil(xs.length / 11) === 0)
  const rough = (last - first) / 6
  const size = 10 ** Math.floor(Math.log10(rough))
  const every = [1, 2, 5, 10].map((factor) => factor * size).find((candidate) => candidate >= rough) ?? rough
  const from = Math.ceil(first / every)
  return range(from, Math.floor(last / every) + 1).map((step) => Number((step * every).toPrecision(6)))
}

/** 1, 3, 10, 30 … within the range. */
function decades(first: number, last: number): number[] {
  const powers = range(Math.floor(Math.log10(first)), Math.ceil(Math.log10(last)) + 1)
  return powers
    .flatMap((power) => [1, 3].map((factor) => Number((factor * 10 ** power).toPrecision(1))))
    .filter((value) => value >= first && value <= last)
}

/** The lowest of a few round numbers that is high enough. */
function niceTop(highest: number): number {
  const size = highest > 1 ? 10 ** Math.floor(Math.log10(highest)) : 1
  return (
    [0.02, 0.04, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 2, 4, 6, 8].map((top) => top * size).find((top) => highest <= top) ??
    10 * size
  )
}

/** A curve the size of a word. */
export function sparkline(values: readonly number[], label: string): Html {
  const [width, height] = [120, 30]
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const spread = high - low || 1
  const at = (value: number, index: number): string =>
    `${px(2 + (index / Math.max(1, values.length - 1)) * (width - 4))},${px(height - 3 - ((value - low) / spread) * (height - 6))}`
  return html`<svg class="spark" viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}">
    <polyline points="${values.map(at).join(' ')}" />
  </svg>`
}
