import { defineRecipe } from '../../shared/recipe.ts'
import { taskFrom } from '../../tasks/registry.ts'
import { playersCourses } from '../players/courses.ts'
import { BUDGET } from '../self-check/budget.ts'
import { spcVocabulary, stop, templates } from '../spc/prompts.ts'
import { comparing, outcomes } from './compare.ts'
import { searchConfig, type SearchConfig } from './config.ts'
import { guidedPhases } from './guided.ts'
import { columns, summarise } from './measure.ts'
import { plainPhases } from './plain.ts'
import { SEARCHED } from './rows.ts'
import { taskWording } from './wording.ts'

const { open, propose, retry, check, verify } = guidedPhases<SearchConfig>(taskWording)
const { solve, greedy, judgeSolutions } = plainPhases<SearchConfig>(taskWording)

/** Guided search (SPC, Chen et al. 2025, section 3.6): the pure half. workflows/search.ts says in which order it happens. */
export const search = defineRecipe<SearchConfig>({
  name: 'search',
  config: searchConfig,
  // Round 0 makes the players and the plain chains, and searches for the first time.
  later: ['rounds', 'players.critic'],
  vocabulary: ({ task }) => spcVocabulary(taskFrom(task)),
  stop,
  templates,
  phases: {
    solve,
    greedy,
    open,
    propose,
    'check/critic': check,
    'check/checker': verify,
    retry,
    'judge solutions': judgeSolutions,
    compare: comparing<SearchConfig>(taskWording),
  },
  courses: playersCourses('search'),
  measures: [SEARCHED, BUDGET],
  columns,
  outcomes,
  summarise: (rows) => summarise(rows, 'checker'),
})
