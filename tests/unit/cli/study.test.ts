import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { flat, judgedName, judgementOf, judgingsOf, pooled, withoutFolders } from '../../../cli/study-judging.ts'
import { studyTable } from '../../../cli/study-table.ts'
import {
  configOf,
  findStudy,
  layOver,
  readAllResults,
  readResults,
  readStudy,
  runName,
  sharingRoundZero,
  storedRun,
  type StudyJudging,
} from '../../../cli/study.ts'
import { parseConfig } from '../../../recipes/registry.ts'
import { runNamePattern } from '../../../shared/ids.ts'

/** What every run of a results file says beside its numbers. */
const provenance = { commit: 'a', machine: 'm', config: {} }

describe('studies', () => {
  const names = fs.readdirSync('examples/studies').map((file) => file.replace('.yaml', ''))
  it.each(names)('%s has arms that are valid configurations, differ, and make valid run names', (name) => {
    const study = readStudy(findStudy(name))
    const configs = Object.entries(study.arms).map(([arm, over]) => {
      expect(runName(name, arm, 3)).toMatch(runNamePattern)
      return JSON.stringify(parseConfig(layOver(study.run, over), arm).config)
    })
    expect(new Set(configs).size).toBe(configs.length)
  })

  it.each(names)('%s names suites of its recipe, where its players judge some', (name) => {
    const { run, judging } = readStudy(findStudy(name))
    const { suites, importers } = parseConfig(run, name).recipe
    for (const { suite } of judging) expect([...suites, ...Object.keys(importers)]).toContain(suite)
  })

  const { recipe: reader } = parseConfig({ recipe: 'spc-text', model: { from: 'm' }, problems: [{ file: 'f' }] }, 's')

  it('take a file for each suite that is judged and reads one', () => {
    const one: StudyJudging = { role: 'critic', suite: 'processbench' }
    const two: StudyJudging = { role: 'critic', suite: 'mr-gsm8k' }
    const file = fileURLToPath(import.meta.url)
    const whole = fs.readFileSync(file, 'utf8')
    const read = (wanted: StudyJudging[], given: string[]) =>
      judgingsOf('s', reader, wanted, given).map((judging) => [judging.suite, judging.file?.text])
    expect(read([], [])).toEqual([])
    expect(read([one], [file])).toEqual([['processbench', whole]])
    const own: StudyJudging = { role: 'critic', suite: 'natural/test', baseline: 'base' }
    expect(read([own, one], [file])).toEqual([
      ['natural/test', undefined],
      ['processbench', whole],
    ])
    const begun = whole.split('\n').slice(0, 3).join('\n').trim()
    const [first, second] = read([{ ...one, limit: 3 }, two], [`mr-gsm8k=${file}`, `processbench=${file}`])
    expect([first?.[0], first?.[1]?.trim(), second]).toEqual(['processbench', begun, ['mr-gsm8k', whole]])
    const refused = (wanted: StudyJudging[], given: string[], message: string, remedy: string): void =>
      expect(() => judgingsOf('s', reader, wanted, given)).toThrow(expect.objectContaining({ message, remedy }))
    refused([own], [file], 'study s has no file judged', 'leave --data out')
    refused(
      [one, two],
      [`mr-gsm8k=${file}`],
      'study s has a file of processbench judged, which is not in this repository',
      'name it with --data processbench=FILE',
    )
    refused(
      [one, two],
      [file],
      `--data ${file} names no suite of study s`,
      'use SUITE=FILE with one of: processbench, mr-gsm8k',
    )
    refused(
      [one],
      [`aime=${file}`],
      `--data aime=${file} names no suite of study s`,
      'use SUITE=FILE with one of: processbench',
    )
  })

  it('tell who judged what', () => {
    const told = (...judging: StudyJudging[]) => judgingsOf('s', reader, judging, []).map(judgedName).join()
    expect(told({ role: 'critic', suite: 'natural/test' })).toBe('critic on natural/test')
    expect(told({ role: 'critic', suite: 'natural/test', baseline: 'base' })).toBe('critic and base on natural/test')
    expect(told({ role: 'critic', suite: 'natural/test', limit: 9 })).toBe('critic on natural/test, 9 lines')
    expect(told({ role: 'critic', suite: 'own/b', pooledWith: 'own/a' })).toBe('critic on own/a and own/b')
  })

  it('say how often a policy was right, and how much more often than the first one about the same lines', () => {
    const answered = (policy: string, right: string) => ({
      policy,
      outcomes: right.split('').map((mark, index) => ({
        label: index < 4 ? ('Correct' as const) : ('Incorrect' as const),
        right: mark === '+',
      })),
    })
    const first = answered('critic@0', '++--+---')
    const later = judgementOf('suite', answered('critic@1', '+++-+++-'), first)
    expect(later).toMatchObject({
      correct: { value: 0.75, of: 4 },
      wrong: { value: 0.75, of: 4 },
      mean: { value: 0.75 },
    })
    expect(later.gain).toMatchObject({ over: 'critic@0', correct: { value: 0.25 }, wrong: { value: 0.5 } })
    expect(later.gain?.mean?.value).toBeCloseTo(0.375)
    expect(judgementOf('suite', first, first).gain).toBeNull()
    const second = answered('critic@1', '+++-+++-')
    expect(pooled('both', [first, second], [first, first])).toMatchObject([
      { policy: 'critic@0', suite: 'both', correct: { value: 0.5, of: 8 }, gain: null },
      { policy: 'critic@1', correct: { value: 0.625, of: 8 }, gain: { over: 'critic@0', correct: { value: 0.125 } } },
    ])
    const wrongOnly = judgementOf('suite', { policy: 'critic@0', outcomes: first.outcomes.slice(4) }, first)
    expect(wrongOnly).toMatchObject({ correct: null, wrong: { value: 0.25 }, mean: null })

    const run = { ...provenance, arm: 'a', seed: 1, run: 'a1', rounds: [], judgements: [later, wrongOnly] }
    const about = { study: 's', title: 't', command: 'c', columns: ['mean'], charts: [] }
    const table = studyTable({ ...about, runs: [run] })
    expect(table).toMatch(/\| suite \| critic@1 \| 0\.750 \(0\.\d{3} to 0\.\d{3}\) of 4 \|.* \| \+0\.375 \(/)
    expect(table).toMatch(/\| suite \| critic@0 \| – \| 0\.250 \(.*\) of 4 \| – \| – \|/)
    // Several seeds have their own interval.
    expect(studyTable({ ...about, runs: [run, { ...run, seed: 2 }] })).not.toContain('critic@1')
  })

  it('lay an arm over the run, group by group', () => {
    expect(layOver({ a: 1, play: { x: 1, y: 2 } }, { play: { y: 3 } })).toEqual({ a: 1, play: { x: 1, y: 3 } })
  })

  it('name an arm that is to be compared and is none', () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sparring-study-'))
    try {
      const file = path.join(folder, 'mine.yaml')
      const write = (paired: string): void =>
        fs.writeFileSync(file, `title: t\nrun: {}\narms: { a: {}, b: {} }\ncolumns: [mean]\npaired: [${paired}]\n`)
      for (const wrong of ['c', 'a']) {
        write(wrong)
        expect(() => readStudy({ file })).toThrow(`${file}: paired: ${wrong} is no arm behind the first one`)
      }
      write('b')
      expect(readStudy({ file }).paired).toEqual(['b'])
    } finally {
      fs.rmSync(folder, { recursive: true })
    }
  })

  it('put the seed where an arm names it', () => {
    const config = configOf({ rounds: 1, seed: 9 }, { players: { from: { run: 'spc-arms.spc.{seed}' } } }, 4)
    expect(config).toEqual({ rounds: 1, seed: 4, players: { from: { run: 'spc-arms.spc.4' } } })
  })

  it('play a round 0 once: arms that would make the same one begin behind the first, be it played before or not', () => {
    const arm = (name: string, changes: object) => {
      const { config } = parseConfig({ recipe: 'spc', ...changes }, name)
      return { file: { name, source: name, given: changes, config }, stored: null }
    }
    const [first, other] = [arm('first', {}), arm('other', { base: { steps: 5 } })]
    const second = arm('second', { update: { critic: { steps: 7 } } })
    const behind = { ...second.file, branch: { run: 'first', round: 0 } }
    expect(sharingRoundZero([first, other, second])).toEqual([first.file, other.file, behind])
    const stored = { ...provenance, arm: 'first', seed: 1, run: 'first', rounds: [] }
    expect(sharingRoundZero([{ ...first, stored }, other, second])).toEqual([other.file, behind])
  })

  it('of one own, as docs/cli.md writes it, stand with their results in the folder of their file', () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sparring-study-'))
    try {
      fs.copyFileSync('examples/spc.yaml', path.join(folder, 'spc.yaml'))
      const [, text = ''] =
        /## A study of your own.*?```yaml\n(.*?)```/s.exec(fs.readFileSync('docs/cli.md', 'utf8')) ?? []
      const file = path.join(folder, 'My study.yaml')
      fs.writeFileSync(file, text)
      const files = findStudy(file)
      const { results, charts } = files
      expect(files).toMatchObject({ name: 'my-study', file, pages: [] })
      expect([results, charts]).toEqual([path.join(folder, 'My study.results.json'), path.join(folder, 'charts')])
      const { run, arms } = readStudy(files)
      expect(Object.values(arms).map((arm) => parseConfig(layOver(run, arm), file).config.rounds)).toEqual([2, 2])
      expect(readResults(files)).toBeNull()
      fs.writeFileSync(results, '{"study": ')
      expect(() => readResults(files)).toThrow(`${results} holds no results of a study`)
      expect(findStudy('examples/studies/spc-arms.yaml')).toEqual(findStudy('spc-arms'))
    } finally {
      fs.rmSync(folder, { recursive: true })
    }
  })

  it('name the studies there are', () => {
    expect(() => findStudy('nothing')).toThrow('there is no study nothing')
  })

  it('name the files that are judged, and not the folders of a machine', () => {
    const given = ['a.jsonl', '/home/me/a.jsonl', 'prm800k-steps=../data/b.jsonl', 'prm800k-steps=b.jsonl']
    const told = ['a.jsonl', 'a.jsonl', 'prm800k-steps=b.jsonl', 'prm800k-steps=b.jsonl']
    expect(given.map(withoutFolders)).toEqual(told)
  })

  it('take a run from results files, those of other studies too, only if its whole configuration is the same', () => {
    const run = { ...provenance, arm: 'a', seed: 2, run: 'a2', config: { rounds: 3, play: { x: 1 } }, rounds: [] }
    const file = { study: 's', title: 't', command: 'c', columns: [], charts: [], runs: [run] }
    const other = { ...file, study: 'o', runs: [{ ...run, run: 'o2', config: { rounds: 3, play: { x: 2 } } }] }
    expect(storedRun([file, other], 'a', { rounds: 3, play: { x: 1 } })).toEqual(run)
    expect(storedRun([file, other], 'mine', { rounds: 3, play: { x: 2 } })).toMatchObject({ arm: 'mine', run: 'o2' })
    expect(storedRun([file, other], 'a', { rounds: 3, play: { x: 3 } })).toBeNull()
    expect(storedRun([], 'a', {})).toBeNull()
  })

  it('take a run whose results were stored before a field of the recipe was there', () => {
    const whole = parseConfig({ recipe: 'spc', seed: 2 }, 'test').config
    const { update, ...rest } = JSON.parse(JSON.stringify(whole))
    const { balance, credit, ...older } = update
    expect([balance, credit]).toEqual(['reward', 'completion'])
    const run = { ...provenance, arm: 'a', seed: 2, run: 'a2', config: { ...rest, update: older }, rounds: [] }
    const file = { study: 's', title: 't', command: 'c', columns: [], charts: [], runs: [run] }
    expect(storedRun([file], 'a', { ...whole })).toEqual(run)
    const other = parseConfig({ recipe: 'spc', seed: 2, update: { balance: 'both' } }, 'test').config
    expect(storedRun([file], 'a', { ...other })).toBeNull()
  })

  it.each(names.filter((name) => readResults(findStudy(name))))(
    '%s has arms that are what its results were played with',
    (name) => {
      const study = readStudy(findStudy(name))
      const found = readResults(findStudy(name))!
      const arms = found.runs.map(({ arm, seed, run, judged }) => {
        const { config } = parseConfig(configOf(study.run, study.arms[arm] ?? {}, seed), arm)
        return { run, isTaken: storedRun([found], arm, { ...config }, judged)?.run === run }
      })
      expect(arms.filter(({ isTaken }) => !isTaken)).toEqual([])
    },
  )

  it('are looked up in the results of all studies, their own first', () => {
    const found = readAllResults(findStudy('spo-noisy')).map(({ study }) => study)
    expect(found[0]).toBe('spo-noisy')
    expect(found.toSorted()).toEqual(names.filter((name) => readResults(findStudy(name)) !== null).toSorted())
  })

  it('take a run only if its players judged the same files, and none where none is asked for', () => {
    const run = { ...provenance, arm: 'a', seed: 2, run: 'a2', rounds: [], judged: ['suite/1'] }
    const file = { study: 's', title: 't', command: 'c', columns: [], charts: [], runs: [run] }
    const stored = (...judged: string[]) => storedRun([file], 'a', run.config, judged)
    expect([stored('suite/1'), stored('suite/2'), stored(), stored('suite/1', 'suite/2')]).toEqual([
      run,
      null,
      null,
      null,
    ])
  })

  it('put what players judge among the numbers, by its path', () => {
    const numbers = { all: { accuracy: 0.5, floors: { 'no mistake': null } }, groups: ['g'], name: 'x', traces: 2 }
    expect(flat(numbers, 'suite')).toEqual({
      'suite.all.accuracy': 0.5,
      'suite.all.floors.no mistake': null,
      'suite.traces': 2,
    })
  })
})
