/** The charts of a study: a number of every round of every arm, drawn as an image for the pages of docs/. */
import fs from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { chartImage } from '../report/charts.ts'
import { layerWeights } from '../shared/models.ts'
import { range, sum } from '../shared/collections.ts'
import { meanInterval } from '../shared/statistics.ts'
import type { StudiedRun, StudyChart, StudyFiles, StudyResults } from './study.ts'

/** One arm: at each round the values of its seeds, and where on the horizontal axis they stand. */
export interface ChartLine {
  arm: string
  points: { x: number; values: number[] }[]
}

/** In the folder of the study's charts. */
export const chartFile = (study: string, { column, along }: StudyChart): string => `${study}-${column}-by-${along}.svg`

export function drawCharts({ charts }: StudyFiles, found: StudyResults): void {
  for (const chart of found.charts) {
    fs.mkdirSync(charts, { recursive: true })
    fs.writeFileSync(path.join(charts, chartFile(found.study, chart)), drawing(chart, chartLines(found, chart)))
  }
}

/** Rounds that every seed of an arm has played and measured. */
export function chartLines({ runs }: StudyResults, { column, along }: StudyChart): ChartLine[] {
  const arms = [...new Set(runs.map(({ arm }) => arm))]
  return arms.map((arm) => {
    const mine = runs.filter((run) => run.arm === arm)
    const rounds = Math.min(...mine.map((run) => run.rounds.length))
    const points = range(0, rounds).flatMap((round) => {
      const values = mine.flatMap((run) => run.rounds[round]?.numbers[column] ?? [])
      const xs = mine.map((run) => (along === 'rounds' ? round : trainingWork(run, round)))
      return values.length === mine.length ? [{ x: sum(xs) / xs.length, values }] : []
    })
    return { arm, points }
  })
}

const shape = z.object({
  model: z.object({
    width: z.number(),
    layers: z.number(),
    heads: z.number(),
    keyValueHeads: z.number(),
    hidden: z.number(),
  }),
})

/**
 * The work of a run's updates until the end of a round, the base model's included, in 10¹² multiplications and additions: six per
 * weight of the layers and token, as is customary (Kaplan et al. 2020, section 2.1). Attention and the head are left out.
 */
export function trainingWork({ run, config, rounds }: StudiedRun, round: number): number {
  const tokens = rounds.slice(0, round + 1).map(({ trained }) => {
    if (trained === undefined) throw new Error(`the results of ${run} do not say how many tokens it trained on`)
    return trained
  })
  return (6 * layerWeights(shape.parse(config).model) * sum(tokens)) / 1e12
}

function drawing({ title, along, top }: StudyChart, lines: readonly ChartLine[]): string {
  return chartImage({
    title,
    along: along === 'rounds' ? 'round' : 'TFLOP',
    ...(along === 'training' ? { logarithmic: true, spread: 0 } : {}),
    ...(top === undefined ? {} : { top }),
    written: (value) => value.toFixed(2),
    series: lines.map(({ arm, points }) => ({
      name: arm,
      points: points.map(({ x, values }) => {
        const { mean, half } = meanInterval(values)
        // Two seeds give an interval that is wider than the chart.
        return {
          x,
          estimate: { value: mean, low: Math.max(0, mean - (half ?? 0)), high: mean + (half ?? 0), of: values.length },
        }
      }),
    })),
  })
}
