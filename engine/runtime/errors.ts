/** What ONNX Runtime and the machine throw, sorted: plain Errors, which their words alone tell apart. */

/** A graph that ONNX Runtime does not compile or run. The message names the graph, the runtime's own part of it the node. */
export class GraphRunError extends Error {
  override readonly name = 'GraphRunError'
}

/** More memory is needed than there is. The same may succeed later, or on another machine. */
export class OutOfMemoryError extends Error {
  override readonly name = 'OutOfMemoryError'
}

export const MEMORY_REMEDY =
  'Take fewer rows per batch or a shorter length, or fewer engines beside each other (SPARRING_ENGINES=1)'

export function isOutOfMemory({ message }: Error): boolean {
  return /bad[ _]alloc|failed to allocate|out of memory|allocation failed/i.test(message)
}

export function sorted(what: string, thrown: unknown): GraphRunError | OutOfMemoryError {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown))
  const message = `${what}: ${error.message}`
  return isOutOfMemory(error) ? new OutOfMemoryError(`${message}. ${MEMORY_REMEDY}`) : new GraphRunError(message)
}
