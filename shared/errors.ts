/**
 * The project's error types. Whatever a person can mend is a UserError: it names the thing and the remedy, ends a
 * command with exit code 2, and is never retried by Temporal. Everything else is an ordinary Error and is retried.
 */
export class UserError extends Error {
  override readonly name = 'UserError'
  readonly remedy: string

  constructor(message: string, remedy: string) {
    super(message)
    this.remedy = remedy
  }
}

/** The names of the errors that a retry cannot mend (DESIGN section 4, rule 8). */
export const permanentErrors: string[] = [
  'UserError',
  'ZodError',
  'OversizeResultError',
  'GraphError',
  'DeviceError',
  'ModelConfigError',
  'LoraSpecError',
  'GgufError',
  'LossSpecError',
  'OptimizerSpecError',
  'RowError',
  'NonFiniteLossError',
  'CorruptWeightsError',
  'MissingWeightsError',
  'WeightsMismatchError',
  'SafetensorsError',
  'GgufError',
  'TokenizerError',
]

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
