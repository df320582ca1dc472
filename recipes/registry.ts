import { z } from 'zod'
import { UserError } from '../shared/errors.ts'
import type { BaseConfig, Recipe } from '../shared/recipe.ts'
import { search } from './search/index.ts'
import { searchText } from './search-text/index.ts'
import { selfCheck } from './self-check/index.ts'
import { spc } from './spc/index.ts'
import { spcText } from './spc-text/index.ts'
import { spo } from './spo/index.ts'
import { sppo } from './sppo/index.ts'

/**
 * Every recipe, by name. The frame holds configs that a recipe's own schema has parsed and hands them back to the same
 * recipe; method parameters are bivariant, so a recipe of a narrower config fits here without a cast.
 */
export type AnyRecipe = Recipe<BaseConfig>

const recipes: Record<string, AnyRecipe> = {
  spc,
  'spc-text': spcText,
  spo,
  sppo,
  'self-check': selfCheck,
  search,
  'search-text': searchText,
}
export const recipeNames = Object.keys(recipes)

export function recipeOf(name: string): AnyRecipe {
  const recipe = recipes[name]
  if (!recipe) throw new UserError(`unknown recipe ${JSON.stringify(name)}`, `use one of: ${recipeNames.join(', ')}`)
  return recipe
}

/** What a run file holds beside the recipe's own fields. `cpu` is left out, so that saying it changes no configuration. */
const named = z.looseObject({
  recipe: z.string(),
  device: z
    .union([z.literal(['cpu', 'webgpu', 'cuda']), z.templateLiteral(['cuda:', z.int().min(0)])], {
      error: 'must be cpu, webgpu, cuda, or cuda:1 and so on',
    })
    .optional(),
})

/** Parses a run's configuration with its own recipe's schema; unknown or ill-typed fields are UserErrors that name them. */
export function parseConfig(value: unknown, source: string): { recipe: AnyRecipe; config: BaseConfig } {
  const name = named.safeParse(value)
  const wrong = name.error?.issues.find(({ path }) => path[0] === 'device')
  if (wrong) throw new UserError(`${source}: device: ${wrong.message}`, '`sparring doctor --device cuda` looks at one')
  if (!name.success) {
    throw new UserError(
      `${source}: the field recipe is missing`,
      `write \`recipe: spc\` (one of: ${recipeNames.join(', ')})`,
    )
  }
  const { device, ...rest } = name.data
  const recipe = recipeOf(rest.recipe)
  const parsed = recipe.config.safeParse(rest)
  if (parsed.success) {
    return { recipe, config: device === undefined || device === 'cpu' ? parsed.data : { ...parsed.data, device } }
  }
  const issues = parsed.error.issues.map((issue) => {
    const path = issue.path.join('.')
    return issue.code === 'unrecognized_keys'
      ? `unknown field ${issue.keys.map((key) => [path, key].filter(Boolean).join('.')).join(', ')}`
      : `${path || 'the file'}: ${issue.message}`
  })
  throw new UserError(
    `${source}: ${issues.join('; ')}`,
    `mend the field in ${source}; docs/${recipe.name}.md lists every field, and \`sparring run FILE --dry-run\` shows the result`,
  )
}
