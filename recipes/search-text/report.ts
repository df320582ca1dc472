import { describeSearches } from '../search/report/index.ts'
import { searchTextConfig } from './config.ts'

/** The report of a search on word problems: that of any search, but that nobody checks its steps exactly. */
export const describeSearchText = describeSearches((config) => searchTextConfig.parse(config), {
  name: 'arithmetic',
  title: 'arithmetic',
  meaning: 'by arithmetic alone, which costs nothing and sees false equalities only',
  more: 'What is right or wrong of a step is what its arithmetic says: docs/search-text.md.',
})
