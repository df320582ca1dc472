import { stringify } from 'yaml'
import { policyName } from '../shared/ids.ts'
import type { Data, Json } from '../shared/recipe.ts'
import type { ReportData, Section } from './data.ts'
import { bytes, duration, instant, plural } from './format.ts'
import { html, type Html, nothing } from './html.ts'
import { facts, table } from './tables.ts'
import { wallSeconds } from './time.ts'

/** What the report says of any run: what ran, and what it takes to run it again. */

/** Rounds that are finished, beside those the configuration asks for (round 0 makes the players and is not counted). */
export function progressOf({ run, rounds }: ReportData): { finished: number; wanted: number; state: string } {
  const wanted = typeof run.config['rounds'] === 'number' ? run.config['rounds'] : 0
  const finished = rounds.filter(({ finishedAt }) => finishedAt !== null).length
  // The last round writes its report just before the run is closed.
  const over = run.state === 'running' && finished === wanted + 1
  return { finished, wanted, state: over ? 'finished' : run.state }
}

export function whatRan(data: ReportData, headline: Html): Html {
  const { run, rounds } = data
  const { finished, wanted, state } = progressOf(data)
  const seconds = rounds.reduce((sum, round) => sum + (wallSeconds(round) ?? 0), 0)
  return html`<header>
    <p class="kicker">Sparring · ${run.recipe}</p>
    <h1>${run.name}</h1>
    ${facts([
      ['state', html`<span class="state ${state}">${state}</span>`],
      ['rounds', finished === 0 ? `0 of ${wanted}` : `${finished - 1} of ${wanted}, after round 0`],
      ['seed', run.seed],
      ['started', instant(run.createdAt)],
      ['rounds took', duration(seconds)],
      ['CPU', text(run.provenance['cpu'])],
    ])}
    <div class="headline">${headline}</div>
  </header>`
}

export function provenanceSection({ run, policies, controls }: ReportData, config: Data): Section {
  return {
    id: 'provenance',
    title: 'Provenance',
    body: html`<p>
        The same configuration on the same type of CPU with the same package versions gives the same bytes. To run it
        again, save the configuration below as <code>again.yaml</code> and type
        <code>npx sparring run again.yaml --name ${run.name}-again</code>. Every number on this page can be recomputed
        from the database: the queries stand in <code>docs/sql.md</code>.
      </p>
      ${facts(Object.entries(run.provenance).map(([name, value]) => [name, text(value)]))}
      ${controls.length > 0 ? steering(controls) : nothing}
      <h3>Policies</h3>
      ${table({
        words: [0, 1, 3],
        head: ['policy', 'made by', 'size', 'sha256 of its weights'],
        rows: policies.map((policy) => [
          policyName(policy),
          policy.course,
          bytes(policy.bytes),
          html`<code class="hash">${policy.sha256}</code>`,
        ]),
      })}
      <h3>Configuration</h3>
      <pre class="config">${yamlBlocks(config)}</pre>`,
  }
}

/** The configuration as YAML, in blocks that no column or page cuts in two. */
const yamlBlocks = (config: Data): Html[] =>
  stringify(config)
    .trimEnd()
    .split(/\n(?=\S)/)
    .map((block) => html`<span>${block}</span>`)

/** What people changed while the run was under way: without it the configuration alone would not tell the story. */
function steering(controls: ReportData['controls']): Html {
  return html`<h3>Steering</h3>
    <p>${plural(controls.length, 'request')} while the run was under way.</p>
    ${table({
      words: [0, 1, 3],
      head: ['what', 'to', 'in round', 'at'],
      rows: controls.map(({ kind, data, round, at }) => [kind, setting(data), round, instant(at)]),
    })}`
}

const setting = (data: Data): string =>
  data['field'] === undefined ? '' : `${text(data['field'])} = ${text(data['value'])}`

function text(value: Json | undefined): string {
  if (value === undefined || value === null) return 'unknown'
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
