import { z } from 'zod'
import { UserError } from '../shared/errors.ts'
import type { BaseConfig, Recipe } from '../shared/recipe.ts'
import { selfCheck } from './self-check/index.ts'
import { spc } from './spc/index.ts'
import { spo } from './spo/index.ts'
import { sppo } from './sppo/index.ts'

/**
 * Every recipe, by name. The frame holds configs that a recipe's own schema has parsed and hands them back to the same
 * recipe; method parameters are bivariant, so a recipe of a narrower config fits here without a cast.
 */
export type AnyRecipe = Recipe<BaseConfig>

const recipes: Record<string, AnyRecipe> = {
  spc,
  spo,
  sppo,
  'self-check': selfCheck,
}
export const recipeNames = Object.keys(recipes)

export function recipeOf(name: string): AnyRecipe {
  const recipe = recipes[name]
  if (!recipe) throw new UserError(`unknown recipe ${JSON.stringify(name)}`, `use one of: ${recipeNames.join(', ')}`)
  return recipe
}

const named = z.object({ recipe: z.string() })

/** Parses a run's configuration with its own recipe's schema; unknown or ill-typed fields are UserErrors that name them. */
export function parseConfig(value: unknown, source: string): { recipe: AnyRecipe; config: BaseConfig } {
  const name = named.safeParse(value)
  if (!name.success) {
    throw new UserError(
      `${source}: the field recipe is missing`,
      `write \`recipe: spc\` (one of: ${recipeNames.join(', ')})`,
    )
  }
  const recipe = recipeOf(name.data.recipe)
  const parsed = recipe.config.safeParse(value)
  if (parsed.success) return { recipe, config: parsed.data }
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
