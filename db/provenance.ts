/** The machine that a run's bytes depend on, and what to say when it changes. */
import fs from 'node:fs'
import { cpus } from 'node:os'
import type { Data } from '../shared/recipe.ts'

/** Instruction sets by which ONNX Runtime chooses its kernels; others change no sum's order. */
const TELLING =
  /^(avx|avx2|fma|avx512(f|bw|dq|vl|_vnni|_bf16)|avx_vnni|amx_(tile|int8|bf16)|asimd|asimddp|sve|i8mm|bf16)$/

/** The kind of CPU: its name, and (on Linux) the instruction sets that make a difference, which virtual machines may hide. */
export function cpuKind(): { cpu: string; instructions: string } {
  return { cpu: cpus()[0]?.model.trim() ?? 'unknown', instructions: instructionsIn(cpuInfo()).join(' ') }
}

export function instructionsIn(cpuInfo: string): string[] {
  const [, flags = ''] = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(cpuInfo) ?? []
  return flags.split(/\s+/).filter((flag) => TELLING.test(flag))
}

function cpuInfo(): string {
  const file = '/proc/cpuinfo'
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : ''
}

const DECISIVE = ['cpu', 'instructions', 'platform', 'onnxruntime', 'threadsPerOperator'] as const

/**
 * Why a run that began under `began` may get other bytes under `now`; null where nothing decisive differs. What one of the two
 * does not tell is not compared.
 */
export function otherMachine(began: Data, now: Data): string | null {
  const differing = DECISIVE.flatMap((name) => {
    const [before, after] = [began[name], now[name]]
    if (before === undefined || after === undefined || before === after) return []
    return [`${name} ${JSON.stringify(after)} instead of ${JSON.stringify(before)}`]
  })
  if (differing.length === 0) return null
  return `this is not the kind of machine that the run began on (${differing.join(', ')}): it goes on, but its bytes may differ from those of a run on one kind`
}
