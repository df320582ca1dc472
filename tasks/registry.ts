import { z } from 'zod'
import { arithmetic, arithmeticConfig } from './arithmetic.ts'
import { multistepArithmetic, multistepArithmeticConfig } from './multistep-arithmetic.ts'
import type { Task } from './task.ts'

/** Every task's fields, as they stand under `task` in a run file; `name` says which task they are of. A new one adds its line here … */
export const taskConfig = z.discriminatedUnion('name', [arithmeticConfig, multistepArithmeticConfig])
export type TaskConfig = z.infer<typeof taskConfig>

/** A configuration's task is made once: recipes ask for it at every problem. */
const made = new WeakMap<TaskConfig, Task>()

export function taskFrom(config: TaskConfig): Task {
  let task = made.get(config)
  if (!task) made.set(config, (task = make(config)))
  return task
}

/** … and its line here. */
function make(config: TaskConfig): Task {
  switch (config.name) {
    case 'arithmetic':
      return arithmetic(config)
    case 'multistep-arithmetic':
      return multistepArithmetic(config)
  }
}
