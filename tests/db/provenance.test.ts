import { describe, expect, inject, test } from 'vitest'
import { openDatabase } from '../../db/client.ts'
import { cpuKind, instructionsIn, otherMachine } from '../../db/provenance.ts'
import { noteMachine, readRun, registerRun } from '../../db/runs.ts'
import { parseConfig } from '../../recipes/registry.ts'
import { smallConfig } from '../support/activities.ts'
import { openPlace } from '../support/run.ts'

describe('the machine of a run', () => {
  const began = { cpu: 'A', instructions: 'avx avx2', threadsPerOperator: 1, onnxruntime: '1.30.0', node: 'v20' }

  test('is another one when the CPU, its instructions, the runtime or the threads differ', () => {
    expect(otherMachine(began, { ...began, node: 'v22' })).toBeNull()
    expect(otherMachine({}, began)).toBeNull()
    expect(otherMachine(began, { ...began, cpu: 'B', instructions: 'avx' })).toMatch(
      /cpu "B" instead of "A", instructions "avx" instead of "avx avx2"/,
    )
    expect(otherMachine(began, { ...began, threadsPerOperator: 2 })).toMatch(/threadsPerOperator 2 instead of 1/)
  })

  test('is known by its name and the instruction sets that choose kernels', () => {
    expect(instructionsIn('model name : A\nflags\t\t: fpu avx sse avx2 avx512f amx_tile ht\n')).toEqual([
      'avx',
      'avx2',
      'avx512f',
      'amx_tile',
    ])
    expect(cpuKind().cpu).not.toBe('')
  })

  test('is noted with the rounds that were opened elsewhere', async () => {
    const place = await openPlace({ temporalAddress: inject('temporalAddress'), databaseUrl: inject('databaseUrl') })
    const { database, close } = await openDatabase(place.databaseUrl)
    await registerRun(database, { name: 'moved', config: smallConfig(), provenance: began })
    await noteMachine(database, 'moved', { 'round 1': { cpu: 'B' } })
    await noteMachine(database, 'moved', { 'round 2': { cpu: 'C' } })
    const otherMachines = { 'round 1': { cpu: 'B' }, 'round 2': { cpu: 'C' } }
    expect((await readRun(database, 'moved'))?.provenance).toEqual({ ...began, otherMachines })
    await close()
    await place.close()
  })
})

describe('the device of a run file', () => {
  const device = (name: string) => parseConfig({ recipe: 'spc', device: name }, 'a file').config.device

  test('is a field of every recipe; the CPU is the default and is not written down', () => {
    expect(['webgpu', 'cuda', 'cuda:1', 'cpu'].map(device)).toEqual(['webgpu', 'cuda', 'cuda:1', undefined])
    expect(() => device('gpu')).toThrow('a file: device: must be cpu, webgpu, cuda, or cuda:1 and so on')
  })
})
