import { defineRecipe } from '../../shared/recipe.ts'
import { taskFrom } from '../../tasks/registry.ts'
import { playersCourses } from '../players/courses.ts'
import { BUDGET } from '../self-check/budget.ts'
import { spcVocabulary, stop, templates } from '../spc/prompts.ts'
import { compare, outcomes } from './compare.ts'
import { searchConfig, type SearchConfig } from './config.ts'
import { check, open, propose, retry, verify } from './guided.ts'
import { summarise } from './measure.ts'
import { greedy, judgeSolutions, solve } from './plain.ts'
import { SEARCHED } from './rows.ts'

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
    compare,
  },
  courses: playersCourses('search'),
  measures: [SEARCHED, BUDGET],
  columns: {
    greedy: 'greedy',
    guided: 'guided',
    votes: 'votes',
    gain: 'gain',
    guided_majority: 'guided majority',
    more_votes: 'more votes',
    majority_gain: 'majority gain',
    informedness: 'informed',
  },
  outcomes,
  summarise,
})
