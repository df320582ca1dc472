import { randomUUID } from 'node:crypto'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readAccounts } from '../db/accounting.ts'
import type { Database } from '../db/client.ts'
import { listPolicies } from '../db/policies.ts'
import {
  countItems,
  countWorkers,
  listControls,
  readConsumptionsOf,
  readCurves,
  readGames,
  readTurnsOf,
  tallyEvaluations,
} from '../db/report.ts'
import { listRounds, readRun } from '../db/runs.ts'
import { describeRun } from '../recipes/reports.ts'
import type { GameSource, ReportData } from '../report/data.ts'
import { reportPage } from '../report/page.ts'
import { CURVE_POINTS, curveNames } from '../report/updates.ts'
import { UserError } from '../shared/errors.ts'
import type { Dependencies } from './dependencies.ts'

/** Writes the run's report as it stands. Readers see the old page or the new one, never half a page. */
export async function writeReport(
  { database, reports }: Pick<Dependencies, 'database' | 'reports'>,
  { run }: { run: string },
): Promise<void> {
  const page = await renderReport(database, run)
  await mkdir(reports, { recursive: true })
  const temporary = join(reports, `.${run}.${randomUUID()}.tmp`)
  try {
    await writeFile(temporary, page)
    await rename(temporary, join(reports, `${run}.html`))
  } finally {
    await rm(temporary, { force: true })
  }
}

export async function renderReport(database: Database, run: string): Promise<string> {
  const data = await readReportData(database, run)
  const described = await describeRun(data.run.recipe)(data, gameSource(database, run))
  return reportPage(data, described)
}

export async function readReportData(database: Database, name: string): Promise<ReportData> {
  const run = await readRun(database, name)
  if (!run) throw new UserError(`no run ${name} in the database`, '`sparring runs` lists the runs')
  return {
    run,
    rounds: await listRounds(database, name),
    policies: await listPolicies(database, name),
    accounts: await readAccounts(database, name),
    metrics: await readCurves(database, name, curveNames, CURVE_POINTS),
    tallies: await tallyEvaluations(database, name),
    controls: await listControls(database, name),
    workers: await countWorkers(database, name),
  }
}

export const gameSource = (database: Database, run: string): GameSource => ({
  games: (round) => readGames(database, run, round),
  turns: (episodes) => readTurnsOf(database, run, episodes),
  consumptions: (episodes) => readConsumptionsOf(database, run, episodes),
  countItems: (fields) => countItems(database, run, fields),
})
