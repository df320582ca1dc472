import { UserError } from '../shared/errors.ts'
import type { BaseConfig } from '../shared/recipe.ts'
import type { Rounds } from './round.ts'
import { search } from './search.ts'
import { searchText } from './search-text.ts'
import { selfCheck } from './self-check.ts'
import { spc } from './spc.ts'
import { spcText } from './spc-text.ts'
import { spo } from './spo.ts'
import { sppo } from './sppo.ts'

/** The order of events of every recipe, by the recipe's name. */
const rounds: Record<string, Rounds<BaseConfig>> = {
  spc,
  'spc-text': spcText,
  spo,
  sppo,
  'self-check': selfCheck,
  search,
  'search-text': searchText,
}

export function roundsOf(recipe: string): Rounds<BaseConfig> {
  const found = rounds[recipe]
  if (!found) throw new UserError(`no workflow for recipe ${recipe}`, 'add it to workflows/registry.ts')
  return found
}
