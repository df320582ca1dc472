import type { Dependencies } from './dependencies.ts'

export async function writeReport(_dependencies: Dependencies, _input: { run: string }): Promise<void> {}
