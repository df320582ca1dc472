/** The models that `npm run bench -- sample` samples from, as files that every side reads. */
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { initialiseLlama, llamaLayout } from '../engine/index.ts'
import { pythonPeer } from './python.ts'
import { packagedModel } from './quality.ts'
import { tinyModel } from './shapes.ts'

const sources: Readonly<Record<string, (folder: string) => object>> = {
  tiny: (folder) => {
    const flat = path.join(folder, 'flat')
    fs.writeFileSync(flat, initialiseLlama(tinyModel, 'bench'))
    const parameters = llamaLayout(tinyModel).parameters.map(({ name, shape }) => [name, shape])
    return { flat, model: tinyModel, parameters }
  },
  'SmolLM2-135M': () => ({ source: packagedModel() }),
}

export const sampledModels = Object.keys(sources)

/** Writes float32.gguf and int8.gguf (Q8_0) of a model into a folder. */
export function writeModels(name: string, folder: string): void {
  const plan = JSON.stringify({ folder, ...sources[name]?.(folder) })
  const [command, args] = pythonPeer('models.py', ['gguf', 'numpy'], [plan])
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] })
}
