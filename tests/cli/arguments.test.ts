import fs from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeTestHome, removeTestHome } from '../services/test-home.ts'
import { begin, sparring } from './support.ts'

/** What the command says before anything is started: none of these may bring up a service. */
let home: string
beforeAll(() => void (home = makeTestHome()))
afterAll(() => removeTestHome(home))

const run = (...args: string[]) => sparring(args, { SPARRING_HOME: home })
const write = (name: string, text: string): string => {
  const file = path.join(home, name)
  fs.writeFileSync(file, text)
  return file
}

test('every command has help with an example', async () => {
  const { stdout } = await run('--help')
  const commands = [...stdout.matchAll(/^ {2}([a-z]+) .*$/gm)].map(([, name]) => name ?? '')
  expect(commands).toEqual(
    expect.arrayContaining(['start', 'run', 'runs', 'status', 'watch', 'pause', 'resume', 'stop', 'set', 'doctor']),
  )
  for (const name of ['start', 'run', 'status', 'episodes', 'evaluate', 'search']) {
    const help = await run(name, '--help')
    expect(help).toMatchObject({ code: 0, stdout: expect.stringContaining('Examples:') })
    expect(help.stdout).toContain('--json')
  }
})

test('evaluate names the suites of each recipe, its own and those of files', async () => {
  const { stdout } = await run('evaluate', '--help')
  expect(stdout).toMatch(/^ {2}spc +natural\/validation, natural\/test, .*with --data: bigbench-mistake$/m)
  const benchmarks = ['processbench', 'prm800k', 'mr-gsm8k', 'mr-ben', 'prmbench', 'deltabench', 'bigbench-mistake']
  for (const name of [...benchmarks, 'processbench-steps', 'prm800k-steps', 'prm800k-pairs', 'deltabench-steps']) {
    expect(stdout).toMatch(new RegExp(`^ {2}spc-text .*[ ,]${name}(,|$)`, 'm'))
  }
})

describe('--dry-run', () => {
  test('shows the whole configuration and the plan, as JSON', async () => {
    const { code, stdout } = await run('run', 'examples/spc.yaml', '--set', 'rounds=1', '--dry-run', '--json')
    expect(code).toBe(0)
    const answer: unknown = JSON.parse(stdout)
    expect(answer).toMatchObject({
      run: 'spc',
      config: { recipe: 'spc', rounds: 1, play: { rollouts: expect.any(Number) } },
      plan: [{ round: 0 }, { round: 1 }],
    })
  })

  test('the plan is the order of the algorithm', async () => {
    const { stdout } = await run('run', 'examples/spc-smoke.yaml', '--dry-run')
    const order = ['presolve', 'solve', 'deceive', 'validate', 'criticise', 'reward', 'update generator']
    const places = order.map((phase) => stdout.lastIndexOf(` ${phase} `))
    expect(places).toEqual(places.toSorted((one, other) => one - other))
    expect(places[0]).toBeGreaterThan(0)
    expect(fs.existsSync(path.join(home, 'services.json'))).toBe(false)
  })
})

const search = ['search', '--solver', 'spc-text/solver', '--policy', 'spc-text/critic']

describe('what a person can mend ends with exit code 2, the fault and the remedy', () => {
  test.each([
    [['run', 'examples/spc.yaml', '--set', 'play.foo=1'], 'unknown field play.foo'],
    [['run', 'examples/spc.yaml', '--set', 'rounds=many'], 'rounds: '],
    [['run', 'examples/spc.yaml', '--set', 'rounds'], 'not of the form field=value'],
    [['run', 'examples/spc.yaml', '--set', 'rounds.deep=1'], 'rounds.deep'],
    [['run', 'examples/spc-text.yaml', '--set', 'solvers=[{policy: critic}]'], 'solvers.0.policy: '],
    [
      ['run', 'examples/spc-text.yaml', '--set', 'model.from=.', '--set', 'problems=[{file: README.md}, {file: none}]'],
      'problems.1.file: there is no ',
    ],
    [['run', 'examples/spc-text.yaml', '--set', 'supervised.written=8'], 'supervised.written: rules write no steps'],
    [['run', 'nowhere.yaml'], 'nowhere.yaml cannot be read: there is no such file'],
    [['run', 'examples'], 'examples cannot be read: it is a folder'],
    [['run', 'examples/spc.yaml', '--name', 'My Run'], '"My Run" is no run name'],
    [['run', 'examples/spc.yaml', '--name', 'My Run', '--dry-run'], '"My Run" is no run name'],
    [['run', 'examples/spc.yaml', '--from', 'spc@last'], '--from spc@last names no round'],
    [['run'], "missing required argument 'yaml'"],
    [['stats'], "unknown command 'stats'"],
    [['status', '--jsn'], "unknown option '--jsn'"],
    [['episodes', 'spc', '--limit', 'few'], 'whole number'],
    [['set', 'spc', 'rounds', '[1'], 'rounds'],
    [['evaluate', '--policy', 'spc/critic', '--suite', 'natural/test', '--votes', '0'], 'whole number'],
    [['evaluate', '--policy', 'spc/critic', '--suite', 'natural/test', '--votes', '65'], 'at most 64'],
    [
      ['evaluate', '--policy', 'spc/critic', '--suite', 'natural/test', '--votes', '3', '--temperature', '0'],
      'above 0',
    ],
    [['evaluate', '--policy', 'spc/critic', '--suite', 'natural/test', '--temperature', '1'], '--temperature is'],
    [['evaluate', '--policy', 'spc/critic', '--suite', 'natural/test', '--plot', 'votes.html'], '--plot shows votes'],
    [['evaluate', '--policy', 'spc/critic', '--suite', 'processbench', '--data', 'nowhere.jsonl'], 'nowhere.jsonl'],
    [['study', 'nothing'], 'there is no study nothing'],
    [['study', 'nowhere.yaml'], 'there is no file nowhere.yaml'],
    [['study', 'examples/spc.yaml'], 'examples/spc.yaml: title: '],
    [['study', 'spc-multistep'], 'has a file of bigbench-mistake judged'],
    [['study', 'spc-multistep', '--data', 'nowhere.jsonl'], 'nowhere.jsonl'],
    [['study', 'spc-multistep', '--data', 'x', '--table'], 'cannot be used with'],
    [['study', 'spc-effect', '--data', 'README.md'], 'has no file judged'],
    [['search', '--solver', 'spc-text/solver'], "required option '--policy"],
    [[...search, '--suite', 'aime', '--data', 'README.md'], 'no suite aime'],
    [[...search, '--suite', 'gsm8k', '--data', 'README.md'], 'README.md, line 1'],
    [[...search, '--suite', 'gsm8k', '--data', 'nowhere.jsonl'], 'nowhere.jsonl'],
    [[...search, '--suite', 'gsm8k', '--data', 'x', '--attempts', '11'], 'at most 10'],
  ])('%j', async (args, message) => {
    const { code, stdout, stderr } = await run(...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    const [fault, remedy, ...rest] = stderr.trimEnd().split('\n')
    expect(fault).toContain(message)
    expect(remedy).toMatch(/^ {2}→ \S/)
    expect(rest).toEqual([])
  })

  test('a broken file is named with the line', async () => {
    const file = write('broken.yaml', 'recipe: spc\nplay: {problems: 3\nrounds: 2\n')
    const { code, stderr } = await run('run', file)
    expect(code).toBe(2)
    expect(stderr).toContain(`${file}, line `)
  })

  test('a study that is broken, or begins from no run file', async () => {
    const broken = write('broken-study.yaml', 'title: x\nrun: {recipe: spc\n')
    expect(await run('study', broken)).toMatchObject({ code: 2, stderr: expect.stringContaining(`${broken}, line `) })
    const field = write(
      'study.yaml',
      'title: x\nrun: {recipe: spc, task: {name: y}}\narms: {a: {}}\ncolumns: [score]\n',
    )
    expect((await run('study', field)).stderr).toMatch(/study\.yaml: task\.name: /)
    const base = write('study.yaml', 'title: x\nfrom: nowhere.yaml\nrun: {}\narms: {a: {}}\ncolumns: [score]\n')
    const { code, stderr } = await run('study', base)
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining(`${base}: from: there is no ${path.join(path.dirname(base), 'nowhere.yaml')}`),
    })
  })

  test('an empty file', async () => {
    expect(await run('run', write('empty.yaml', ''))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('holds no fields'),
    })
  })

  test('with --json, as an object on stdout', async () => {
    const { code, stdout, stderr } = await run('run', 'examples/spc.yaml', '--set', 'play.foo=1', '--json')
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' })
    const answer: unknown = JSON.parse(stdout)
    expect(answer).toEqual({ error: expect.stringContaining('play.foo'), remedy: expect.any(String) })
  })
})

test('doctor names what it looked at, and fails for a port that is no port', async () => {
  const { code, stdout } = await sparring(['doctor', '--json'], { SPARRING_HOME: home, SPARRING_UI_PORT: 'x' })
  expect(code).toBe(1)
  const findings: unknown = JSON.parse(stdout)
  expect(findings).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ what: 'Node', level: 'ok' }),
      expect.objectContaining({ what: 'ONNX Runtime', level: 'ok' }),
      expect.objectContaining({ what: 'port', level: 'fail', found: expect.stringContaining('port number') }),
    ]),
  )
})

test('a reader that closes the pipe early ends the command quietly', async () => {
  const { child, ended } = begin(['--help'])
  child.stdout?.destroy()
  expect(await ended).toMatchObject({ code: 0, stderr: '' })
})
