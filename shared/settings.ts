import type { SetField } from './contract.ts'
import { UserError } from './errors.ts'
import type { Data, Json } from './recipe.ts'

/** A copy of `config` with the dotted `field` set. The field must exist, or be a field of an existing group. */
export function withField<T extends Data>(config: T, field: string, value: Json): T {
  const [head = '', ...rest] = field.split('.')
  if (rest.length === 0) return { ...config, [head]: value }
  const group = config[head]
  if (group === undefined || group === null || typeof group !== 'object' || Array.isArray(group)) {
    throw new UserError(
      `${field}: ${head} is not a group of fields`,
      'name a field as it stands in the run file, e.g. play.problems',
    )
  }
  return { ...config, [head]: withField(group, rest.join('.'), value) }
}

/** A copy of `config` with all of these set, in their order. */
export function withChanges<T extends Data>(config: T, changes: readonly SetField[]): T {
  return changes.reduce((laid, { field, value }) => withField(laid, field, value), config)
}
