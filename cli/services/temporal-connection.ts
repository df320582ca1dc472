/** Talking to a Temporal server, ours or the user's: does it answer, does it know our search attributes. */
import { Connection } from '@temporalio/client'
import { loadClientConnectConfig } from '@temporalio/envconfig'
import { UserError } from '../../shared/errors.ts'
import { ensureSearchAttributes, reasonOf } from '../../shared/search-attributes.ts'

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
export async function useExternalTemporal(
  env: NodeJS.ProcessEnv,
  onProgress: (message: string) => void,
): Promise<{ address: string; namespace: string }> {
  const config = loadClientConnectConfig({ overrideEnvVars: nonEmpty(env) })
  const address = config.connectionOptions.address ?? 'localhost:7233'
  const namespace = config.namespace || 'default'
  try {
    await withConnection(config.connectionOptions, async (connection) => {
      await connection.workflowService.describeNamespace({ namespace })
      const notice = await ensureSearchAttributes(connection.operatorService, namespace)
      if (notice !== null) onProgress(notice)
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

function nonEmpty(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined || value === '' ? [] : [[name, value]])),
  )
}
