/** The examples of the engine run as they stand and do what they say. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../..', import.meta.url))

async function run(example: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', `examples/${example}.ts`], {
    cwd: root,
  })
  return stdout.trim().split('\n')
}

const lossesIn = (lines: readonly string[]): number[] =>
  lines.flatMap((line) => /loss (\S+)$/.exec(line)?.slice(1).map(Number) ?? [])

describe('the examples of the engine', () => {
  it('fit a small network to the sine function', async () => {
    const lines = await run('engine-regression')
    expect(lossesIn(lines)).toHaveLength(6)
    expect(lossesIn(lines).at(-1)).toBeLessThan(1e-3)
    const errors = lines.flatMap((line) => {
      const [, exact, predicted] = /^sin \S+ = (\S+), (\S+)$/.exec(line) ?? []
      return exact === undefined ? [] : [Math.abs(Number(exact) - Number(predicted))]
    })
    expect(errors).toHaveLength(5)
    expect(Math.max(...errors)).toBeLessThan(0.05)
  })

  it('train a model of characters that goes on with the verse', async () => {
    const lines = await run('engine-characters')
    expect(lossesIn(lines).at(-1)).toBeLessThan(0.2)
    const continued = lines.filter((line) => line.startsWith('it was the ')).map((line) => line.slice(11, -1))
    const verse = ['best of times', 'worst of times', 'age of wisdom', 'age of foolishness', 'season of light']
    const known = [...verse, 'season of darkness', 'spring of hope', 'winter of despair']
    expect(continued).toHaveLength(4)
    expect(continued.filter((words) => known.includes(words)).length).toBeGreaterThanOrEqual(3)
  })
})
