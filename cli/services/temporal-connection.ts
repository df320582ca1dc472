/** Talking to a Temporal server, ours or the user's: does it answer, does it know our search attributes. */
import { Connection, isGrpcServiceError } from '@temporalio/client'
import { loadClientConnectConfig } from '@temporalio/envconfig'
import { messageOf, UserError } from '../../shared/errors.ts'

/** What the Temporal UI filters runs by, and each one's type in Temporal's words. */
export const searchAttributes = {
  SparringRecipe: 'Keyword',
  SparringRound: 'Int',
  SparringScore: 'Double',
  SparringState: 'Keyword',
} as const

/** temporal.api.enums.v1.IndexedValueType */
const indexedValueType = { Keyword: 2, Int: 3, Double: 4 } as const
const alreadyExists = 6
const patience = '3 seconds'

async function withConnection<T>(
  options: Parameters<typeof Connection.connect>[0],
  use: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await Connection.connect({ connectTimeout: patience, ...options })
  try {
    return await connection.withDeadline(Date.now() + 10_000, () => use(connection))
  } finally {
    await connection.close()
  }
}

/** Whether the embedded server answers and has its namespace. */
export async function isTemporalReady(address: string, namespace: string): Promise<boolean> {
  try {
    await withConnection({ address }, (connection) => connection.workflowService.describeNamespace({ namespace }))
    return true
  } catch (error) {
    if (error instanceof Error) return false // not yet, or no longer, or someone else's: all of them "no"
    throw error
  }
}

/** The server the user named, by TEMPORAL_ADDRESS and the other variables of Temporal's own tools (TLS, API key, profile). */
export async function useExternalTemporal(env: NodeJS.ProcessEnv): Promise<{ address: string; namespace: string }> {
  const config = loadClientConnectConfig({ overrideEnvVars: nonEmpty(env) })
  const address = config.connectionOptions.address ?? 'localhost:7233'
  const namespace = config.namespace || 'default'
  try {
    await withConnection(config.connectionOptions, async (connection) => {
      await connection.workflowService.describeNamespace({ namespace })
      await registerSearchAttributes(connection, namespace)
    })
  } catch (error) {
    if (error instanceof UserError) throw error
    throw new UserError(
      `The Temporal server at TEMPORAL_ADDRESS=${address} cannot be used (namespace ${namespace}): ${reasonOf(error)}`,
      'Check that it runs, its address, TEMPORAL_NAMESPACE and the TLS or API key settings; or unset TEMPORAL_ADDRESS to use the embedded server.',
    )
  }
  return { address, namespace }
}

async function registerSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  const known = await connection.operatorService.listSearchAttributes({ namespace })
  const missing = Object.entries(searchAttributes).filter(([name]) => known.customAttributes[name] === undefined)
  if (missing.length === 0) return
  try {
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map(([name, type]) => [name, indexedValueType[type]])),
    })
  } catch (error) {
    if (isGrpcServiceError(error) && Number(error.code) === alreadyExists) return
    const flags = missing.map(([name, type]) => `--name ${name} --type ${type}`).join(' ')
    throw new UserError(
      `The Temporal server lacks the search attributes ${missing.map(([name]) => name).join(', ')}, and adding them failed: ${reasonOf(error)}`,
      `Ask its operator to run: temporal operator search-attribute create --namespace ${namespace} ${flags}`,
    )
  }
}

function reasonOf(error: unknown): string {
  return isGrpcServiceError(error) ? error.details || error.message : messageOf(error)
}

function nonEmpty(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined || value === '' ? [] : [[name, value]])),
  )
}
