#!/usr/bin/env node
// The command's entry point. The project runs its TypeScript as it is: tsx is registered here, then main.ts takes over.
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
if (!fs.existsSync(path.join(root, 'node_modules', 'tsx'))) {
  console.error(
    `sparring: its dependencies are not installed.\n  → Run \`npm start\`, or \`node scripts/setup.mjs\`, in ${root}.`,
  )
  process.exit(1)
}
const { register } = await import('tsx/esm/api')
register()
await import('./main.ts')
