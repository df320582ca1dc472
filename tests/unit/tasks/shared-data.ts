import fs from 'node:fs'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'

/** Benchmark data beside the checkout; tests that need it are skipped where it is absent. */
const folder = path.resolve(import.meta.dirname, '..', '..', '..', '..', 'shared', 'data')
export const hasData = fs.existsSync(folder)

export function readData(file: string): string {
  const bytes = fs.readFileSync(path.join(folder, file))
  return (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
}
