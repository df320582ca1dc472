/** node-llama-cpp, which is compared with and is no dependency of the project. */
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { z } from 'zod'
import { UserError } from '../shared/errors.ts'

const FOLDER = process.env['SPARRING_BENCH_LLAMA'] ?? '.'

/** The command of bench/peers/llama-cpp.mjs. Throws a UserError that says how to get node-llama-cpp, if it is missing. */
export function llamaCppPeer(plan: object): [string, string[]] {
  const folder = path.resolve(FOLDER, 'node_modules', 'node-llama-cpp')
  const about = path.join(folder, 'package.json')
  if (!fs.existsSync(about)) {
    throw new UserError(
      `${path.resolve(FOLDER)} has no node-llama-cpp, which this is compared with`,
      'npm install node-llama-cpp in another folder, and name that folder in SPARRING_BENCH_LLAMA; or leave it out: --peers transformers',
    )
  }
  const { version } = z.object({ version: z.string() }).parse(JSON.parse(fs.readFileSync(about, 'utf8')))
  const module = pathToFileURL(path.join(folder, 'dist', 'index.js')).href
  const peer = fileURLToPath(new URL('./peers/llama-cpp.mjs', import.meta.url))
  return [process.execPath, [peer, JSON.stringify({ ...plan, module, version })]]
}
