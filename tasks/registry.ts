import { z } from 'zod'
import { arithmetic, arithmeticConfig } from './arithmetic.ts'
import type { Task } from './task.ts'

/** Every task's fields, as they stand under `task` in a run file; `name` says which task they are of. A new one adds its line here … */
export const taskConfig = z.discriminatedUnion('name', [arithmeticConfig])
export type TaskConfig = z.infer<typeof taskConfig>

/** … and its line here. */
export function taskFrom(config: TaskConfig): Task {
  switch (config.name) {
    case 'arithmetic':
      return arithmetic(config)
  }
}
