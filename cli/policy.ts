/** A policy as commands name it: <run>/<role>, its newest version, or <run>/<role>@<round>. */
import { listPolicies, type PolicyRow, readPolicy } from '../db/policies.ts'
import { type AnyRecipe, parseConfig } from '../recipes/registry.ts'
import { UserError } from '../shared/errors.ts'
import type { PlayedBy } from '../shared/ids.ts'
import type { BaseConfig } from '../shared/recipe.ts'
import { findRun, type Session } from './session.ts'
import { closeNames } from './terminal.ts'

export interface NamedPolicy {
  run: string
  recipe: AnyRecipe
  config: BaseConfig
  policy: PlayedBy
  row: PolicyRow
}

export async function findPolicy(session: Pick<Session, 'database'>, text: string): Promise<NamedPolicy> {
  const match = /^([^/]+)\/([^/@]+)(?:@(\d+))?$/.exec(text)
  if (!match?.[1] || !match[2]) {
    throw new UserError(
      `${JSON.stringify(text)} is no policy`,
      'write <run>/<role>, or <run>/<role>@<round>: spc/critic@2',
    )
  }
  const { name: run, config: given } = await findRun(session, match[1])
  const { recipe, config } = parseConfig(given, `run ${run}`)
  const role = match[2]
  const all = await listPolicies(session.database, run)
  const newest = all.findLast((one) => one.role === role)
  if (!newest) throw noSuchRole(run, role, [...new Set(all.map((one) => one.role))])
  const policy = { role, version: match[3] === undefined ? newest.version : Number(match[3]) }
  return { run, recipe, config, policy, row: await readPolicy(session.database, run, policy) }
}

function noSuchRole(run: string, role: string, roles: string[]): UserError {
  const [close] = closeNames(role, roles)
  return new UserError(
    `run ${run} has no policies of the role ${role}`,
    roles.length === 0
      ? `it has none yet: they appear as its rounds finish; \`sparring status ${run}\` shows how it stands`
      : `${close === undefined ? '' : `did you mean ${close}? `}It has ${roles.join(', ')}`,
  )
}
