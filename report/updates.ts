import { z } from 'zod'
import { policyName } from '../shared/ids.ts'
import type { MetricPoint, PolicyLine, ReportData, Section } from './data.ts'
import { sparkline } from './charts.ts'
import { digits, MISSING, whole } from './format.ts'
import { type Fragment, html, type Html, nothing } from './html.ts'
import { table } from './tables.ts'

/** The training curves that the report shows, and how many points of each. */
export const curveNames = ['loss', 'gradientNorm', 'meanRatio', 'clipFraction'] as const
export const CURVE_POINTS = 80
const curveTitles: Record<(typeof curveNames)[number], string> = {
  loss: 'loss',
  gradientNorm: 'gradient norm',
  meanRatio: 'mean ratio',
  clipFraction: 'clipped share',
}

/** What a lesson says of its balance, where it has buckets at all. */
const balanced = z.object({
  wantedPerBucket: z.number(),
  buckets: z.record(z.string(), z.object({ available: z.number(), used: z.number() })),
  shortBuckets: z.array(z.string()),
})

export interface BucketLine {
  role: string
  version: number
  bucket: string
  wanted: number
  available: number
  used: number
  short: boolean
}

/** The buckets of every update that balances its data. */
export function bucketLines(policies: readonly PolicyLine[]): BucketLine[] {
  return policies.flatMap(({ role, version, lesson }) => {
    const parsed = balanced.safeParse(lesson)
    if (!parsed.success) return []
    const { buckets, shortBuckets, wantedPerBucket: wanted } = parsed.data
    return Object.entries(buckets).map(([bucket, { available, used }]) => ({
      role,
      version,
      bucket,
      wanted,
      available,
      used,
      short: shortBuckets.includes(bucket),
    }))
  })
}

export function updatesSection({ policies, metrics }: ReportData): Section {
  const inOrder = policies.toSorted((a, b) => a.round - b.round)
  return {
    id: 'updates',
    title: 'Updates',
    body: html`${balance(inOrder)}
      <h3>Training curves</h3>
      <p>
        Each curve runs over the steps of one update, with its first and last stretch in numbers. The ratio is that of a
        learner to the policy it is compared with; a clipped share belongs to clipped losses only.
      </p>
      ${table({
        head: ['policy', 'steps', ...curveNames.map((name) => curveTitles[name])],
        rows: inOrder.map((policy) => curveRow(policy, metrics)),
      })}`,
  }
}

function balance(policies: readonly PolicyLine[]): Html {
  const lines = bucketLines(policies)
  if (lines.length === 0) return html`<p>No update has learned from games yet.</p>`
  const lacking = lines.filter(({ short }) => short)
  return html`<p>
      An update learns from equal parts of each bucket of games.
      ${
        lacking.length === 0
          ? 'Every bucket could be filled.'
          : 'A bucket that holds fewer rows than its part is drawn from more often, so the mix stays as it should be; those are marked.'
      }
    </p>
    ${table({
      words: [0, 1, 5],
      head: ['update', 'bucket', 'rows wanted', 'rows there were', 'rows used', ''],
      rows: lines.map(({ bucket, wanted, available, used, short, ...policy }) => [
        policyName(policy),
        bucket,
        whole(wanted),
        whole(available),
        whole(used),
        short ? html`<b class="warn">short</b>` : nothing,
      ]),
    })}`
}

function curveRow(policy: PolicyLine, metrics: readonly MetricPoint[]): Fragment[] {
  const mine = metrics.filter(({ role, version }) => role === policy.role && version === policy.version)
  const steps = Math.max(0, ...mine.map(({ step }) => step))
  return [
    html`${policyName(policy)}<small class="below">${policy.course}</small>`,
    whole(steps),
    ...curveNames.map((name) => {
      const values = mine.filter((point) => point.name === name).map(({ value }) => value)
      const [first, last] = [values[0], values.at(-1)]
      if (first === undefined || last === undefined) return MISSING
      const peak = Math.max(...values)
      return html`${sparkline(values, `${curveTitles[name]} of ${policyName(policy)}`)}
        <small class="below"
          >${digits(first)} → ${digits(last)}${peak > 2 * Math.max(first, last) ? `, peak ${digits(peak)}` : ''}</small
        >`
    }),
  ]
}
