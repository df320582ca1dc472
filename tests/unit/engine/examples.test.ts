/**
 * The examples of the engine run as they stand and do what they say: in a project of their own, which has what a user installs,
 * the packed package, less all of it that is not engine/, and of its dependencies those alone that the engine needs.
 */
import { execFile } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { codeLines } from '../../../scripts/engine-size.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const NEEDED = ['@huggingface/jinja', '@huggingface/tokenizers', 'onnxruntime-node', 'protobufjs', 'tsx', 'zod']
/** Beside the package: types of Node, as a typed project has them. */
const OWN = ['tsx', '@types/node']
const EXAMPLES = ['engine-regression', 'engine-characters']
const project = fs.mkdtempSync(path.join(os.tmpdir(), 'sparring-library-'))

async function call(program: string, ...given: string[]): Promise<string> {
  return (await promisify(execFile)(program, given, { cwd: project })).stdout.trim()
}

const run = async (file: string): Promise<string[]> => (await call('node', '--import', 'tsx', file)).split('\n')

function link(names: readonly string[], modules: string): void {
  for (const name of names) {
    fs.mkdirSync(path.dirname(path.join(modules, name)), { recursive: true })
    fs.symlinkSync(path.join(root, 'node_modules', name), path.join(modules, name))
  }
}

beforeAll(async () => {
  const installed = path.join(project, 'node_modules', 'sparring')
  fs.mkdirSync(installed, { recursive: true })
  const archive = (await call('npm', 'pack', root, '--ignore-scripts', '--silent')).split('\n').at(-1) ?? ''
  const parts = ['package/package.json', 'package/engine']
  await call('tar', '-xzf', archive, '-C', installed, '--strip-components', '1', ...parts)
  link(NEEDED, path.join(installed, 'node_modules'))
  link(OWN, path.join(project, 'node_modules'))
  fs.writeFileSync(path.join(project, 'package.json'), JSON.stringify({ type: 'module' }))
  for (const example of EXAMPLES) {
    fs.copyFileSync(path.join(root, 'examples', `${example}.ts`), path.join(project, `${example}.ts`))
  }
})

afterAll(() => fs.rmSync(project, { recursive: true }))

const lossesIn = (lines: readonly string[]): number[] =>
  lines.flatMap((line) => /loss (\S+)$/.exec(line)?.slice(1).map(Number) ?? [])

describe('the examples of the engine', () => {
  it('fit a small network to the sine function', async () => {
    const lines = await run('engine-regression.ts')
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
    const lines = await run('engine-characters.ts')
    expect(lossesIn(lines).at(-1)).toBeLessThan(0.2)
    const continued = lines.filter((line) => line.startsWith('it was the ')).map((line) => line.slice(11, -1))
    const verse = ['best of times', 'worst of times', 'age of wisdom', 'age of foolishness', 'season of light']
    const known = [...verse, 'season of darkness', 'spring of hope', 'winter of despair']
    expect(continued).toHaveLength(4)
    expect(continued.filter((words) => known.includes(words)).length).toBeGreaterThanOrEqual(3)
  })

  it('are at most thirty lines of code', () => {
    for (const example of EXAMPLES) {
      expect(codeLines(fs.readFileSync(path.join(project, `${example}.ts`), 'utf8'))).toBeLessThanOrEqual(30)
    }
  })
})

describe('the installed engine', () => {
  it('has types', async () => {
    const options = {
      module: 'NodeNext',
      strict: true,
      noEmit: true,
      allowImportingTsExtensions: true,
      types: ['node'],
    }
    const compilerOptions = { ...options, target: 'ES2023', skipLibCheck: true }
    fs.writeFileSync(path.join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
    expect(await call('node', path.join(root, 'node_modules', 'typescript', 'bin', 'tsc'))).toBe('')
  })

  it('starts its process', async () => {
    fs.writeFileSync(
      path.join(project, 'process.ts'),
      `import { EngineProcess, type NetworkSpec } from 'sparring/engine'
       const network: NetworkSpec = { kind: 'mlp', inputs: 2, hidden: [3], outputs: 1, activation: 'tanh' }
       const engine = new EngineProcess()
       const y = await engine.runNetwork({ network, weights: { initialise: 'seed' }, x: [0, 0, 1, 1] })
       console.log(y.length)
       await engine.close()`,
    )
    expect(await run('process.ts')).toEqual(['2'])
  })
})
