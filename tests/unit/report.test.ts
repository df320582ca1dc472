/** The report's small parts, and the page as a whole for runs that are not what one hopes for. */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { renderReport, writeReport } from '../../activities/report.ts'
import { type OpenDatabase, openDatabase } from '../../db/client.ts'
import * as tables from '../../db/schema.ts'
import { spcConfig } from '../../recipes/spc/config.ts'
import { headline } from '../../recipes/spc/report/index.ts'
import { changedPart, highlighted } from '../../recipes/spc/report/highlight.ts'
import { taskConfig, taskFrom } from '../../tasks/registry.ts'
import { lineChart } from '../../report/charts.ts'
import type { ReportData, SuiteTally } from '../../report/data.ts'
import { combine, difference, harmonic, judged, share } from '../../report/estimates.ts'
import { digits, duration, percent, short } from '../../report/format.ts'
import { html, Html } from '../../report/html.ts'
import { freshDatabase } from '../services/fresh-database.ts'
import { run, seedRun } from './report-seed.ts'

test('HTML: what is put into a template is escaped, unless it is HTML', () => {
  const text = `<script>alert("1 & 2's")</script>`
  expect(html`<p title="${text}">${[text, 3, null]}${html`<b>${'<'}</b>`}</p>`.text).toBe(
    '<p title="&lt;script&gt;alert(&quot;1 &amp; 2&#39;s&quot;)&lt;/script&gt;">' +
      '&lt;script&gt;alert(&quot;1 &amp; 2&#39;s&quot;)&lt;/script&gt;3<b>&lt;</b></p>',
  )
  expect(html`${new Html('<i></i>')}`.text).toBe('<i></i>')
})

describe('estimates', () => {
  test('a share has Wilson’s interval, and none where nothing was tried', () => {
    expect(share(0, 0)).toBeNull()
    // Wilson 1927, by hand: 8 of 10.
    expect(share(8, 10)).toEqual({
      value: 0.8,
      low: expect.closeTo(0.4902, 3),
      high: expect.closeTo(0.9433, 3),
      of: 10,
    })
    expect(share(10, 10)?.high).toBeCloseTo(1, 12)
  })

  test('a combination is less sure than its better part and surer than both limits at once', () => {
    const left = share(70, 100)
    const right = share(40, 100)
    if (!left || !right) throw new Error('shares of something')
    const both = combine(harmonic, left, right)
    expect(both.value).toBeCloseTo((2 * 0.7 * 0.4) / 1.1, 12)
    expect(both.low).toBeGreaterThan(harmonic(left.low, right.low))
    expect(both.high).toBeLessThan(harmonic(left.high, right.high))
    const change = difference(left, right)
    expect(change.value).toBeCloseTo(0.3, 12)
    expect(change.low).toBeGreaterThan(left.low - right.high)
    expect(change.high).toBeLessThan(left.high - right.low)
  })

  test('an answer that cannot be read counts as wrong', () => {
    const scores = judged([
      { label: 'Correct', verdict: 'Correct', count: 6 },
      { label: 'Correct', verdict: null, count: 2 },
      { label: 'Incorrect', verdict: 'Incorrect', count: 1 },
      { label: 'Incorrect', verdict: 'Correct', count: 1 },
    ])
    expect(scores.correct).toMatchObject({ value: 0.75, of: 8 })
    expect(scores.wrong).toMatchObject({ value: 0.5, of: 2 })
    expect(scores.mean?.value).toBe(0.625)
    expect(scores.harmonic?.value).toBeCloseTo(0.6, 12)
    expect(scores.invalid).toMatchObject({ value: 0.2, of: 10 })
  })
})

test('numbers are written for people', () => {
  expect(percent(0.1234)).toBe('12.3\u202f%')
  expect(percent(null)).toBe('–')
  expect([0.94, 42.4, 59.6, 185, 7620].map(duration)).toEqual(
    ['0.9_s', '42_s', '1_min 00_s', '3_min 05_s', '2_h 07_min'].map((text) => text.replaceAll('_', '\u202f')),
  )
  expect([999, 12_345, 4_560_000].map(short)).toEqual(['999', '12.3k', '4.56M'])
  expect([0, 0.0785, -0.644, 123.4, 0.00036].map(digits)).toEqual(['0', '0.0785', '−0.644', '123', '3.6e-4'])
})

test('the changed part of a step: numbers are wholes', () => {
  expect(changedPart('37+48=85', '37+48=83')).toEqual({ start: '37+48=', changed: '83', end: '' })
  expect(changedPart('9*3=27', '9+3=12')).toEqual({ start: '9', changed: '+3=12', end: '' })
  expect(changedPart('11+1=12', '1+1=12')).toEqual({ start: '', changed: '1', end: '+1=12' })
  const { render } = taskFrom(taskConfig.parse({}))
  expect(render('10-3*2=4')).toBe('10 − 3 × 2 = 4')
  expect(render('say <b>')).toBe('say <b>')
  expect(highlighted(render, '37+48=85', '37+48=83').text).toBe('37 + 48 = <mark>83</mark>')
  expect(highlighted(render, '9*3=27', '9+3=27').text).toBe('9 <mark>+</mark> 3 = 27')
})

test('a chart keeps within its frame, also with one round, fifty rounds and equal values', () => {
  const point = (x: number, part: number) => ({ x, estimate: share(part, 10) ?? { value: 0, low: 0, high: 0, of: 0 } })
  expect(lineChart({ title: 't', along: 'round', series: [{ name: 'none', points: [] }] }).text).toBe('')
  for (const rounds of [1, 2, 50]) {
    const points = Array.from({ length: rounds }, (_, x) => point(x, 10))
    const same = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ name, points }))
    const { text } = lineChart({ title: 't', along: 'round', top: 1, series: same })
    expect(text).not.toMatch(/NaN|Infinity|undefined/)
    const names = [...text.matchAll(/class="name"\s+x="[\d.]+"\s+y="([\d.]+)"/g)].map(([, y]) => Number(y))
    expect(names).toHaveLength(5)
    const gaps = names
      .toSorted((a, b) => a - b)
      .slice(1)
      .map((y, index) => y - (names.toSorted((a, b) => a - b)[index] ?? 0))
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(13.9)
    expect(Math.max(...names)).toBeLessThan(250)
  }
})

describe('the headline says what happened, whichever way it went', () => {
  const config = spcConfig.parse({ recipe: 'spc' })
  const tallies = (version: number, caught: number): SuiteTally[] =>
    [
      { label: 'Correct', verdict: 'Correct', count: 150 },
      { label: 'Correct', verdict: 'Incorrect', count: 50 },
      { label: 'Incorrect', verdict: 'Incorrect', count: caught },
      { label: 'Incorrect', verdict: 'Correct', count: 200 - caught },
    ].map((tally) => ({ ...tally, suite: 'natural/test', role: 'critic', version, kind: 'natural' }))
  const data = (rows: SuiteTally[]): ReportData => ({
    run: {
      name: 'n',
      recipe: 'spc',
      seed: 1,
      config: {},
      state: 'running',
      provenance: {},
      createdAt: new Date(0),
      finishedAt: null,
    },
    rounds: [],
    policies: [],
    accounts: [],
    metrics: [],
    controls: [],
    workers: 0,
    tallies: rows,
  })
  const words = (rows: SuiteTally[], settings = config): string =>
    headline(data(rows), settings).text.replaceAll(/\s+/g, ' ')

  test('it rises, falls, or moves by chance', () => {
    expect(words([...tallies(0, 60), ...tallies(1, 120)])).toMatch(/Over 1 round of self-play.*rises from/)
    expect(words([...tallies(0, 120), ...tallies(2, 60)])).toMatch(/Over 2 rounds of self-play.*falls from/)
    expect(words([...tallies(0, 100), ...tallies(1, 103)])).toMatch(/moves from.*which may be chance/)
  })
  test('before play, and before any test', () => {
    expect(words(tallies(0, 60))).toContain('Before any play')
    expect(words([])).toContain('has not been tested yet')
  })
  test('control arms are called what they are', () => {
    const arm = spcConfig.parse({ recipe: 'spc', play: { generator: 'frozen' } })
    expect(words([...tallies(0, 60), ...tallies(1, 120)], arm)).toContain('of play against a frozen generator')
  })
})

describe('the page', () => {
  let opened: OpenDatabase
  let drop: () => Promise<void>
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sparring-report-'))
  beforeAll(async () => {
    const fresh = await freshDatabase(inject('databaseUrl'))
    drop = fresh.drop
    opened = await openDatabase(fresh.url)
    await seedRun(opened.database)
  })
  afterAll(async () => {
    await opened.close()
    await drop()
    fs.rmSync(folder, { recursive: true })
  })

  test('holds every section, loads nothing, and escapes what players and machines say', async () => {
    await writeReport({ database: opened.database, reports: folder }, { run })
    expect(fs.readdirSync(folder)).toEqual([`${run}.html`])
    const page = fs.readFileSync(path.join(folder, `${run}.html`), 'utf8')
    for (const id of ['curves', 'confusion', 'cross', 'validity', 'games', 'updates', 'time', 'provenance']) {
      expect(page).toContain(`<section id="${id}">`)
    }
    expect(page.match(/<article class="game"/g)).toHaveLength(10)
    expect(page).not.toMatch(/https?:|<script|<link(?![^>]*data:)|@import|url\(/)
    expect(page).toContain('A CPU &lt;of &quot;some&quot; kind&gt;')
    expect(page).not.toMatch(/NaN|undefined|\[object/)
  })

  test('is the same for the same rows', async () => {
    expect(await renderReport(opened.database, run)).toBe(await renderReport(opened.database, run))
  })

  test('can be written when a run has just begun, and for a name that does not exist says so', async () => {
    const config = { ...spcConfig.parse({ recipe: 'spc' }) }
    const fields = { recipe: 'spc', seed: 1, config, provenance: {}, state: 'running' }
    await opened.database.insert(tables.runs).values({ name: 'young', ...fields })
    const page = await renderReport(opened.database, 'young')
    expect(page).toContain('has not been tested yet')
    expect(page).not.toMatch(/NaN|undefined|Infinity/)
    await expect(renderReport(opened.database, 'nobody')).rejects.toThrow('no run nobody')
  })
})
