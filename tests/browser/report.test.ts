/** The report in a real browser: every section is there, nothing is fetched, nothing complains, and it fits a phone. */
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { writeReport } from '../../activities/report.ts'
import { type OpenDatabase, openDatabase } from '../../db/client.ts'
import { freshDatabase } from '../services/fresh-database.ts'
import { run, seedRun } from '../unit/report-seed.ts'

const executablePath = [
  process.env['CHROMIUM'] ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((candidate) => candidate !== '' && fs.existsSync(candidate))
if (!executablePath)
  console.log('skipped: no Chromium found (install it, or name it in CHROMIUM) to open the report in')

describe.skipIf(!executablePath)('the report in a browser', () => {
  let opened: OpenDatabase
  let drop: () => Promise<void>
  let browser: Browser
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sparring-browser-'))

  beforeAll(async () => {
    const fresh = await freshDatabase(inject('databaseUrl'))
    drop = fresh.drop
    opened = await openDatabase(fresh.url)
    await seedRun(opened.database)
    await writeReport({ database: opened.database, reports: folder }, { run })
    // Chromium's sandbox does not start as root, which is what containers run tests as.
    const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update']
    browser = await chromium.launch({ ...(executablePath ? { executablePath } : {}), args })
  })
  afterAll(async () => {
    await browser.close()
    await opened.close()
    await drop()
    fs.rmSync(folder, { recursive: true })
  })

  const views = [
    { name: 'light', width: 1100, colorScheme: 'light' },
    { name: 'dark', width: 1100, colorScheme: 'dark' },
    { name: 'phone', width: 375, colorScheme: 'light' },
  ] as const
  test.each(views)('$name: sections, charts and games; no complaint, no request', async ({ width, colorScheme }) => {
    const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme })
    const complaints: string[] = []
    const requests: string[] = []
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('request', (request) => requests.push(request.url()))
    const url = pathToFileURL(path.join(folder, `${run}.html`)).href
    await page.goto(url)
    const titles = await page.locator('section > h2').allTextContents()
    expect(titles).toEqual([
      'Curves by round',
      'What the critic says of which step',
      'Every generator against every critic',
      'Which games count',
      'Games worth reading',
      'Updates',
      'Where the time went',
      'Provenance',
    ])
    expect(await page.locator('.chart svg').count()).toBe(5)
    expect(await page.locator('article.game').count()).toBe(10)
    expect(await page.locator('article.game mark').count()).toBeGreaterThan(5)
    // Every link of the page leads to a place on it.
    const targets = await page
      .locator('nav a')
      .evaluateAll((links) => links.map((link) => link.getAttribute('href') ?? ''))
    for (const target of targets) expect(await page.locator(target).count()).toBe(1)
    // Wide tables scroll by themselves; the page does not.
    const size = await page.locator('html').evaluate((root) => [root.scrollWidth, root.clientWidth])
    expect(size[0]).toBe(size[1])
    expect(complaints).toEqual([])
    expect(requests.filter((address) => address !== url && !address.startsWith('data:'))).toEqual([])
    await page.close()
  })
})
