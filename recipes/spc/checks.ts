import type { z } from 'zod'
import type { ModelConfig } from '../../shared/models.ts'
import { type TaskConfig, taskFrom } from '../../tasks/registry.ts'
import { contextNeeded } from './lengths.ts'

/** A check of a run file: the model can read the longest text that its task may make. */
export function checkContext(
  { task, model }: { task: TaskConfig; model: ModelConfig },
  context: z.RefinementCtx,
): void {
  const needed = contextNeeded(taskFrom(task))
  if (model.context >= needed) return
  const message = `is too short for the task: its longest problem and what is said about it take ${needed} tokens`
  context.addIssue({ code: 'custom', message, path: ['model', 'context'] })
}

/** A check of a run file: values are compared of steps that claim one. */
export function checkClaims(
  { task, critique }: { task: TaskConfig; critique: 'seen' | 'blind' | 'values' },
  context: z.RefinementCtx,
): void {
  if (critique !== 'values' || taskFrom(task).alignedClaimOf) return
  const message = '`values` is for a task whose steps claim a value: use `blind`, or the task multistep-arithmetic'
  context.addIssue({ code: 'custom', message, path: ['critique'] })
}
