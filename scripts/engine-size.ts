/**
 * Lines of code of the engine by folder, without blank lines and comments: `npx tsx scripts/engine-size.ts`.
 * Two readings of "the core": the parts that docs/engine.md draws, and all of engine/ but models/ and examine.ts, a tool.
 */
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const engine = path.resolve(import.meta.dirname, '..', 'engine')

export function codeLines(source: string): number {
  const code = source.replaceAll(/\/\*[\s\S]*?\*\//g, '')
  return code.split('\n').filter((line) => line.trim() !== '' && !line.trim().startsWith('//')).length
}

/** By folder of engine/; the files beside them count as `.`. */
export function engineSize(): Map<string, number> {
  const sizes = new Map<string, number>()
  for (const file of fs.readdirSync(engine, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!file.endsWith('.ts') || file === 'examine.ts') continue
    const [folder = '.'] = file.includes(path.sep) ? file.split(path.sep) : ['.']
    sizes.set(folder, (sizes.get(folder) ?? 0) + codeLines(fs.readFileSync(path.join(engine, file), 'utf8')))
  }
  return sizes
}

const DRAWN = ['graph', 'autodiff', 'optimizers', 'sampling', 'process']

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const sizes = engineSize()
  const sum = (counts: (folder: string) => boolean): number =>
    [...sizes].reduce((lines, [folder, more]) => (counts(folder) ? lines + more : lines), 0)
  const say = (lines: number, what: string): void => console.log(`${String(lines).padStart(6)}  ${what}`)
  for (const [folder, lines] of sizes) say(lines, folder)
  say(
    sum((folder) => DRAWN.includes(folder)),
    DRAWN.join(', '),
  )
  say(
    sum((folder) => folder !== 'models'),
    'all but models',
  )
}
