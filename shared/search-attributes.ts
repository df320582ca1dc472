/**
 * The search attributes by which the Temporal UI filters runs. A server completes no workflow task that sets an attribute
 * which its namespace lacks: the run would stand still without a word, so workers and commands see to them first.
 */
import { isGrpcServiceError } from '@temporalio/client'
import { messageOf, UserError } from './errors.ts'

/** Each one's type, in Temporal's words. */
export const searchAttributes = {
  SparringRecipe: 'Keyword',
  SparringRound: 'Int',
  SparringScore: 'Double',
  SparringState: 'Keyword',
} as const

/** temporal.api.enums.v1.IndexedValueType */
const indexedValueType = { Keyword: 2, Int: 3, Double: 4 } as const
/** gRPC status codes. */
const [alreadyExists, permissionDenied, unimplemented] = [6, 7, 12]

/** The part of Temporal's operator service that is needed here: of a client's connection or of a worker's. */
export interface SearchAttributeRegistry {
  listSearchAttributes(request: { namespace: string }): Promise<{ customAttributes: Record<string, unknown> }>
  addSearchAttributes(request: { namespace: string; searchAttributes: Record<string, number> }): Promise<unknown>
}

/** What an operator of the server has to type. */
export function searchAttributeCommands(
  namespace: string,
  names: readonly string[] = Object.keys(searchAttributes),
): string {
  const wanted = Object.entries(searchAttributes).filter(([name]) => names.includes(name))
  const flags = wanted.map(([name, type]) => `--name ${name} --type ${type}`).join(' ')
  const cloud = wanted.map(([name, type]) => `--sa "${name}=${type}"`).join(' ')
  return (
    `Ask its operator to run: temporal operator search-attribute create --namespace ${namespace} ${flags}` +
    ` (in Temporal Cloud: tcld namespace search-attributes add --namespace ${namespace} ${cloud})`
  )
}

/**
 * Adds the attributes that a namespace lacks; who may not is told what to ask for. Returns what a person should know where
 * the server does not let us see which it has, and null otherwise.
 */
export async function ensureSearchAttributes(
  registry: SearchAttributeRegistry,
  namespace: string,
): Promise<string | null> {
  let known: Record<string, unknown> = {}
  let unlisted: string | null = null
  try {
    known = (await registry.listSearchAttributes({ namespace })).customAttributes
  } catch (error) {
    if (!hasStatus(error, permissionDenied, unimplemented)) throw error
    unlisted = reasonOf(error)
  }
  const missing = Object.entries(searchAttributes).filter(([name]) => known[name] === undefined)
  if (missing.length === 0) return null
  try {
    await registry.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map(([name, type]) => [name, indexedValueType[type]])),
    })
  } catch (error) {
    if (unlisted === null && hasStatus(error, alreadyExists)) return null // added by another worker meanwhile
    if (unlisted !== null && hasStatus(error, alreadyExists, permissionDenied, unimplemented)) {
      return (
        `The Temporal server does not say which search attributes namespace ${namespace} has (${unlisted}); ` +
        `a run stands still where they are missing. ${searchAttributeCommands(namespace)}`
      )
    }
    const names = missing.map(([name]) => name)
    throw new UserError(
      `The Temporal server lacks the search attributes ${names.join(', ')}, and adding them failed: ${reasonOf(error)}`,
      searchAttributeCommands(namespace, names),
    )
  }
  return null
}

function hasStatus(error: unknown, ...codes: (number | undefined)[]): boolean {
  return isGrpcServiceError(error) && codes.includes(Number(error.code))
}

export function reasonOf(error: unknown): string {
  return isGrpcServiceError(error) ? error.details || error.message : messageOf(error)
}
