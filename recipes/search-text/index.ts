import { defineRecipe } from '../../shared/recipe.ts'
import { BUDGET } from '../self-check/budget.ts'
import { comparing, outcomes } from '../search/compare.ts'
import { guidedPhases } from '../search/guided.ts'
import { columns, summarise } from '../search/measure.ts'
import { plainPhases } from '../search/plain.ts'
import { SEARCHED } from '../search/rows.ts'
import { stop, templates } from '../spc-text/prompts.ts'
import { searchTextConfig, type SearchTextConfig } from './config.ts'
import { courses } from './courses.ts'
import { problemFile } from './problems.ts'
import { textWording } from './wording.ts'

const { open, propose, retry, check, verify } = guidedPhases<SearchTextConfig>(textWording)
const { solve, greedy, judgeSolutions } = plainPhases<SearchTextConfig>(textWording)

/** Guided search (SPC, Chen et al. 2025, section 3.6) on word problems, with a published model: recipes/search in English. */
export const searchText = defineRecipe<SearchTextConfig>({
  name: 'search-text',
  config: searchTextConfig,
  vocabulary: () => null,
  stop,
  templates,
  files: (config) => [problemFile(config)],
  phases: {
    solve,
    greedy,
    open,
    propose,
    'check/critic': check,
    'check/arithmetic': verify,
    retry,
    'judge solutions': judgeSolutions,
    compare: comparing<SearchTextConfig>(textWording),
  },
  courses,
  measures: [SEARCHED, BUDGET],
  columns,
  outcomes,
  summarise: (rows) => summarise(rows, 'arithmetic'),
})
