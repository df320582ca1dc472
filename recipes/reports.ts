import type { DescribeRun } from '../report/data.ts'
import { html } from '../report/html.ts'
import { describeSearch } from './search/report/index.ts'
import { describeSearchText } from './search-text/report.ts'
import { describeSelfCheck } from './self-check/report/index.ts'
import { describeSpc } from './spc/report/index.ts'
import { describeSpcText } from './spc-text/report.ts'
import { describeSpo } from './spo/report/index.ts'
import { describeSppo } from './sppo/report/index.ts'

/**
 * A recipe's part of the report, by the recipe's name. It stands beside the recipe and uses the frame's charts and
 * tables, not the other way round, so a new recipe brings its sections without touching report/; and apart from the
 * recipe itself, as workflows bundle recipes and have no use for HTML. A recipe without an entry gets the frame alone.
 */
const reports: Record<string, DescribeRun> = {
  spc: describeSpc,
  'spc-text': describeSpcText,
  spo: describeSpo,
  sppo: describeSppo,
  'self-check': describeSelfCheck,
  search: describeSearch,
  'search-text': describeSearchText,
}

export function describeRun(recipe: string): DescribeRun {
  return (
    reports[recipe] ??
    (async ({ run, rounds }) => ({
      headline: html`<p>${rounds.length} rounds were played.</p>`,
      sections: [],
      config: run.config,
    }))
  )
}
