import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { spcConfig, type SpcConfig } from '../../../recipes/spc/config.ts'
import { spcLoss, supplyOf } from '../../../recipes/spc/courses.ts'
import { readGame } from '../../../recipes/spc/games.ts'
import { type Learner, playLesson } from '../../../recipes/spc/lessons.ts'
import { presolve, solve, validate } from '../../../recipes/spc/phases.ts'
import { problemAt, splitOf, taskOf } from '../../../recipes/spc/problems.ts'
import { solverCompletion } from '../../../recipes/spc/prompts.ts'
import { judgeValidity, rewardGame } from '../../../recipes/spc/rewards.ts'
import { ruleQuality } from '../../../recipes/spc/rule.ts'
import { opponents } from '../../../recipes/spc/schedule.ts'
import { spcTextConfig } from '../../../recipes/spc-text/config.ts'
import type { EpisodeRow, Lesson, Rows, TurnRow } from '../../../shared/recipe.ts'

const lessonOf = (learner: Learner, config: SpcConfig, rows: Rows, round = 1): Lesson =>
  playLesson(learner, { config, round, phase: learner }, supplyOf(learner, config), 1, rows)

const parse = (fields: object): SpcConfig => spcConfig.parse({ recipe: 'spc', ...fields })

function turn(name: string, fields: Partial<TurnRow> = {}): TurnRow {
  const role = name.startsWith('deceive') ? 'generator' : 'critic'
  const row = { round: 1, episode: 1, turn: name, role, version: 0, prompt: 'p', text: 't', tokens: 1 }
  return { ...row, verdict: null, reward: null, ...fields }
}
const episode = (outcome: string | null): EpisodeRow => ({ round: 1, episode: 1, item: 0, data: {}, outcome })

describe('validity (section 3.2)', () => {
  const game = { right: '1+1=2', sneaky: '1+1=3' }
  const checks = { rightSuccess: 0.75, sneakySuccess: 0, rightIsRight: true, sneakyIsWrong: true }
  it('takes the original at 75 % and the sneaky step at 0 %', () => {
    expect(judgeValidity('rollout', game, checks).valid).toBe(true)
    expect(judgeValidity('rollout', game, { ...checks, rightSuccess: 0.5 }).invalidBecause).toBe(
      'the original step fails',
    )
    expect(judgeValidity('rollout', game, { ...checks, sneakySuccess: 0.25 }).invalidBecause).toBe(
      'the sneaky step does no harm',
    )
  })
  it('never takes a broken or unchanged step', () => {
    expect(judgeValidity('rollout', { ...game, sneaky: null }, checks).invalidBecause).toBe('format')
    expect(judgeValidity('oracle', { ...game, sneaky: game.right }, checks).invalidBecause).toBe('unchanged')
  })
  it('asks the rule it was told to ask', () => {
    const disagree = { ...checks, sneakySuccess: 1, sneakyIsWrong: true }
    expect(judgeValidity('oracle', game, disagree).valid).toBe(true)
    expect(judgeValidity('rollout', game, disagree).valid).toBe(false)
  })
})

describe('the rollout rule against the exact checker', () => {
  const game = (episode: number, sneaky: string): EpisodeRow => {
    const data = { problem: '1+1+1', solution: '1+1=2;2+1=3.', done: [], right: '1+1=2', sneaky }
    return { round: 1, episode, item: 0, data, outcome: null }
  }
  const answer = (key: string, text: string) => ({ question: { key, prompt: '' }, texts: [text], tokens: [1] })
  const context = { config: parse({}), round: 1, phase: 'validate', player: { role: 'solver', version: 0 } }
  const four = (key: string, text: string) => ({ ...answer(key, text), texts: [text, text, text, text] })

  it('is counted whichever decides, and summed over shards', () => {
    // Game 1 is wrong and does harm; game 2 is wrong, but the solver gets home; game 3 is no error, but does harm.
    const rows = { items: [], episodes: [game(1, '1+1=5'), game(2, '1+1=4'), game(3, '1+1=2')], turns: [] }
    const answers = [1, 2, 3].flatMap((episode) => [
      four(`${episode}/right`, ';2+1=3.'),
      four(`${episode}/sneaky`, episode === 2 ? ';2+1=3.' : '.'),
    ])
    const { items, episodes } = validate.answer({ ...context, from: 0, to: 1 }, rows, answers)
    expect(episodes.map(({ outcome }) => outcome)).toEqual([null, 'invalid', 'invalid'])
    expect(items).toMatchObject([{ item: 0, data: { both: 1, ruleOnly: 0, oracleOnly: 1 } }])
    expect(ruleQuality([...items, ...items])).toEqual({ precision: 1, recall: 0.5 })
  })
  it('has no precision where nothing was let through', () => {
    expect(ruleQuality([])).toEqual({ precision: null, recall: null })
  })
})

describe('rewards (equations 2 and 3)', () => {
  it('are zero-sum on a valid step judged once', () => {
    for (const [verdict, generator, critic] of [
      ['Correct', 1, -1],
      ['Incorrect', -1, 1],
      [null, -1, -1],
    ] as const) {
      const { turns } = rewardGame(episode(null), [turn('deceive/0'), turn('criticise/sneaky/0', { verdict })])
      expect(
        turns.map(({ reward }) => reward),
        String(verdict),
      ).toEqual([generator, critic])
    }
  })
  it('cost the generator an invalid step', () => {
    const { episodes, turns } = rewardGame(episode('invalid'), [turn('deceive/0')])
    expect(episodes[0]?.outcome).toBe('invalid')
    expect(turns[0]?.reward).toBe(-1)
  })
  it('need more than half of the critiques to be fooled; a tie goes by the first', () => {
    const outcome = (...verdicts: string[]) =>
      rewardGame(
        episode(null),
        verdicts.map((verdict, sample) => turn(`criticise/sneaky/${sample}`, { verdict })),
      ).episodes[0]?.outcome
    expect(outcome('Correct', 'Correct', 'Incorrect')).toBe('fooling')
    expect(outcome('Incorrect', 'Correct')).toBe('detected')
    expect(outcome('Correct', 'Incorrect')).toBe('fooling')
  })
  it('reward the critic for right steps called right', () => {
    const { turns } = rewardGame(episode(null), [
      turn('criticise/right/0', { verdict: 'Correct' }),
      turn('criticise/right/1', { verdict: 'Incorrect' }),
    ])
    expect(turns.map(({ reward }) => reward)).toEqual([1, -1])
  })
})

describe('the schedule (section 3.5)', () => {
  it('is the paper’s: S0-C0, then S1 against the old C0, merged and retrained from round 0', () => {
    const paper = parse({})
    expect(opponents(paper, 1)).toEqual({ generator: 0, critic: 0, from: 0, rounds: [1] })
    expect(opponents(paper, 2)).toEqual({ generator: 1, critic: 0, from: 0, rounds: [1, 2] })
    expect(opponents(paper, 3)).toEqual({ generator: 2, critic: 1, from: 0, rounds: [1, 2, 3] })
  })
  it('can be newest against newest, or keep the generator frozen', () => {
    expect(opponents(parse({ schedule: 'newest' }), 3)).toEqual({ generator: 2, critic: 2, from: 2, rounds: [3] })
    expect(opponents(parse({ play: { generator: 'frozen' } }), 3).generator).toBe(0)
  })
})

describe('the difficulty filter and the choice of steps', () => {
  const config = parse({ play: { presolutions: 4, mediumSolutions: 6, easyKept: 1 } })
  const task = taskOf(config)
  const context = { config, round: 1, phase: 'presolve', player: { role: 'solver', version: 0 }, from: 0, to: 3 }
  const right = (item: number) => solverCompletion(task.solve(problemAt(config, 'train', 1, item)))
  const answers = [0, 1, 2].map((item) => ({
    question: { key: String(item), prompt: '' },
    // Item 0 is never solved, item 1 twice, item 2 always.
    texts: [0, 1, 2, 3].map((sample) => (item === 2 || (item === 1 && sample < 2) ? right(item) : '1+1=2.')),
    tokens: [1, 1, 1, 1],
  }))
  const { items } = presolve.answer(context, { items: [], episodes: [], turns: [] }, answers)
  const rows: Rows = { items, episodes: [], turns: [] }

  it('drops the never-solved and solves only the medium ones more often', () => {
    expect(items.map(({ data }) => [data['difficulty'], data['kept']])).toEqual([
      ['never', false],
      ['medium', true],
      ['easy', true],
    ])
    expect(solve.ask?.({ ...context, phase: 'solve' }, rows).map(({ key }) => key)).toEqual(['1'])
  })
  it('opens one game per correct solution, at one of its steps', () => {
    const extra = [{ question: { key: '1', prompt: '' }, texts: [right(1), '5.'], tokens: [1, 1] }]
    const { episodes } = solve.answer({ ...context, phase: 'solve' }, rows, extra)
    expect(episodes.map(({ item }) => item)).toEqual([1, 1, 1, 2, 2, 2, 2])
    expect(new Set(episodes.map(({ episode }) => episode)).size).toBe(7)
    for (const row of episodes) {
      const game = readGame(row)
      expect(task.check(game.problem, game.done, game.right)).toBe(true)
    }
  })
  it('opens no game on a solution with the right outcome that is not made of steps', () => {
    const rows = { items, episodes: [], turns: [] }
    const problem = problemAt(config, 'train', 1, 1)
    const steps = task.solve(problem)
    const answered = (text: string) => {
      const extra = [{ question: { key: '1', prompt: '' }, texts: [text], tokens: [1] }]
      return solve.answer({ ...context, phase: 'solve' }, rows, extra).episodes.filter(({ item }) => item === 1).length
    }
    const before = answered('')
    expect(answered(solverCompletion(steps))).toBe(before + 1)
    expect(answered(solverCompletion(['99', ...steps]))).toBe(before)
    expect(answered(solverCompletion([...Array.from({ length: 4 }, () => '1+1=2'), ...steps]))).toBe(before)
  })
  it('keeps the splits apart', () => {
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom('train', 'validation', 'test'), (number, split) => {
        expect(splitOf(problemAt(config, split, 'any', number))).toBe(split)
      }),
    )
  })
})

describe('the lesson of an update', () => {
  const rows: Rows = {
    items: [],
    episodes: Array.from({ length: 40 }, (_, index) => ({
      round: 1,
      episode: index,
      item: index,
      data: {},
      outcome: index < 30 ? 'invalid' : index < 38 ? 'detected' : 'fooling',
    })),
    turns: Array.from({ length: 40 }, (_, index) => [
      turn('deceive/0', { episode: index, reward: index < 38 ? -1 : 1, text: `s${index}` }),
      turn('criticise/sneaky/0', { episode: index, reward: index < 10 ? -1 : 1, text: `c${index}` }),
    ]).flat(),
  }
  const small = { update: { generator: { batch: 12, rows: 24, steps: 5 }, critic: { batch: 8, rows: 20, steps: 4 } } }
  const lesson = (learner: 'critic' | 'generator', fields: object = {}) => {
    const config = parse({ ...small, ...fields })
    return lessonOf(learner, config, rows)
  }

  it('balances the critic 1:1 and the generator 1:1:1, half of each batch supervised', () => {
    const critic = lesson('critic').batch(2)
    expect(critic.filter(({ kind }) => kind === 'supervised')).toHaveLength(8)
    expect(critic.filter(({ kind, advantage }) => kind === 'reinforced' && advantage > 0)).toHaveLength(4)
    const generator = lesson('generator')
      .batch(0)
      .filter(({ kind }) => kind === 'reinforced')
    expect(generator.filter(({ advantage }) => advantage > 0)).toHaveLength(4)
    expect(generator).toHaveLength(12)
  })
  it('subtracts the mean reward in equation 4 only', () => {
    const advantages = (fields: object) =>
      new Set(
        lesson('generator', fields)
          .batch(0)
          .filter(({ kind }) => kind === 'reinforced')
          .map(({ advantage }) => advantage.toFixed(3)),
      )
    expect(advantages({})).toEqual(new Set(['-0.667', '1.333']))
    expect(advantages({ update: { ...small.update, loss: 'official-code' } })).toEqual(new Set(['-1.000', '1.000']))
  })
  it('compares critiques of right steps and of sneaky ones apart, where it is told to', () => {
    // Sneaky steps: 10 lose, 30 win. Right steps: 2 lose, 28 win. The batch holds as many winners as losers.
    const right = Array.from({ length: 30 }, (_, episode) =>
      turn('criticise/right/0', { episode, reward: episode < 2 ? -1 : 1, text: `r${episode}` }),
    )
    const played = { ...rows, turns: [...rows.turns, ...right] }
    const config = parse({
      update: { ...small.update, baseline: 'class', critic: { batch: 116, rows: 116, steps: 1 } },
    })
    const all = lessonOf('critic', config, played)
      .batch(0)
      .filter(({ kind }) => kind === 'reinforced')
    for (const side of ['c', 'r']) {
      const mine = all.filter(({ completion }) => completion.startsWith(side))
      expect(new Set(mine.map(({ advantage }) => Math.sign(advantage)))).toEqual(new Set([-1, 1]))
      expect(Math.abs(mine.reduce((sum, { advantage }) => sum + advantage, 0) / mine.length)).toBeLessThan(0.02)
    }
  })
  it('puts the reward of a critique on all it said, or on its verdict alone', () => {
    const critiques = ['1+1=2=>Incorrect.', '=>Correct.', '5=>'].map((text, episode) =>
      turn('criticise/right/0', { episode, reward: -1, text }),
    )
    const learned = (credit: string) => {
      const config = parse({ update: { credit, critic: { batch: 3, rows: 6, steps: 1 } } })
      const { batch } = lessonOf('critic', config, { ...rows, turns: critiques })
      const played = batch(0).filter(({ kind }) => kind === 'reinforced')
      return played.map(({ prompt, completion }) => `${prompt}|${completion}`).toSorted()
    }
    expect(learned('completion')).toEqual(['p|1+1=2=>Incorrect.', 'p|5=>', 'p|=>Correct.'])
    expect(learned('verdict')).toEqual(['p1+1=2|=>Incorrect', 'p|5=>', 'p|=>Correct'])
  })
  describe('credit: compared', () => {
    const blind = { task: { name: 'multistep-arithmetic' }, critique: 'blind', model: { context: 296 } }
    const update = { credit: 'compared', balance: 'both', critic: { batch: 64, rows: 64, steps: 1 } }
    /** The right step claims 12, the sneaky one what it says; the critic works the problem out in its own way. */
    const critiques = (episode: number, own: string, claimed: string) =>
      (['right', 'sneaky'] as const).map((side) =>
        turn(`criticise/${side}/0`, {
          episode,
          prompt: `3*4:${own}>${side === 'right' ? '12' : claimed}?`,
          text: '=>Correct.',
          reward: side === 'right' ? 1 : -1,
        }),
      )

    it('teaches no verdict behind a false own step, and none about a sneaky step that claims what the right one does', () => {
      const turns = [...critiques(1, '3*4=12', '22'), ...critiques(2, '3*4=13', '13'), ...critiques(3, '3*4=12', '12')]
      const lesson = lessonOf('critic', parse({ ...blind, update }), { ...rows, turns })
      const taught = lesson.batch(0).filter(({ kind }) => kind === 'reinforced')
      expect(new Set(taught.map(({ prompt, completion }) => `${prompt}${completion}`))).toEqual(
        new Set(['3*4:3*4=12>12?=>Correct', '3*4:3*4=12>22?=>Incorrect']),
      )
      expect(lesson.consumed.map(({ episode: game, turn: name }) => `${game} ${name}`)).toEqual([
        '1 criticise/right/0',
        '3 criticise/right/0',
        '1 criticise/sneaky/0',
      ])
      expect(spcLoss('critic', parse({ ...blind, update }))[0]).toEqual({ term: 'reinforce', weight: 1 })
    })

    it('is refused where there is nothing to compare', () => {
      for (const fields of [{ ...blind, critique: 'seen' }, { critique: 'blind' }]) {
        expect(() => parse({ ...fields, update })).toThrow('is for blind critics (critique: blind or values) of a task')
      }
      const text = { recipe: 'spc-text', model: { from: 'm' }, problems: [{ file: 'f' }] }
      expect(() => spcTextConfig.parse({ ...text, update: { credit: 'compared' } })).toThrow('use `settled`')
    })
  })
  it('teaches the verdict that the game has settled, whoever said what', () => {
    const blind = '1+1:1+1=2>1+1=3?'
    const critiques = [
      turn('criticise/right/0', { reward: 1, text: '1+1=2=>Correct.' }),
      turn('criticise/right/1', { reward: -1, text: '1+1=2=>Incorrect.' }),
      turn('criticise/sneaky/0', { reward: -1, text: '1+1=3=>Correct.' }),
      turn('criticise/sneaky/1', { reward: -1, prompt: blind, text: '7=' }),
      turn('criticise/sneaky/2', { reward: -1, prompt: '1+1:', text: '7=' }),
    ].map((critique, episode) => ({ ...critique, episode }))
    const update = {
      credit: 'settled',
      balance: 'both',
      supervisedWeight: 0.5,
      critic: { batch: 6, rows: 8, steps: 1 },
    }
    const config = parse({ update })
    const { batch, report } = lessonOf('critic', config, {
      ...rows,
      turns: critiques,
    })
    const played = batch(0).filter(({ kind }) => kind === 'reinforced')
    expect(played.map(({ prompt, completion }) => `${prompt}|${completion}`).toSorted()).toEqual([
      `${blind}|=>Incorrect`,
      'p1+1=2|=>Correct',
      'p1+1=2|=>Correct',
      'p1+1=2|=>Correct',
      'p1+1=2|=>Correct',
      'p1+1=3|=>Incorrect',
    ])
    expect(new Set(played.map(({ advantage }) => advantage))).toEqual(new Set([1]))
    expect(report['buckets']).toMatchObject({
      'winning, right': { available: 1 },
      'losing, right': { available: 1 },
      'winning, sneaky': { available: 0 },
      'losing, sneaky': { available: 2 },
    })
    const bySide = lessonOf('critic', parse({ update: { ...update, balance: 'side' } }), { ...rows, turns: critiques })
    expect(bySide.report['buckets']).toEqual({ right: { available: 2, used: 2 }, sneaky: { available: 2, used: 2 } })
    const learnt = bySide.batch(0).filter(({ kind }) => kind === 'reinforced')
    expect(learnt.filter(({ completion }) => completion === '=>Correct')).toHaveLength(3)
    expect(new Set(learnt.map(({ prompt }) => prompt))).toEqual(new Set(['p1+1=2', 'p1+1=3', blind]))
    expect(spcLoss('critic', config)).toEqual([
      { term: 'reinforce', weight: 1 },
      { term: 'nll', weight: 0.5 },
    ])
    expect(spcLoss('generator', config)[0]).toMatchObject({ term: 'policy-gradient' })
  })
  it('mixes new worked problems into the supervised rows of the critic alone', () => {
    const solving = (learner: 'critic' | 'generator', round: number) => {
      const update = { ...small.update, critic: { ...small.update.critic, batch: 8, rehearsal: 0.25 } }
      const { batch } = lessonOf(learner, parse({ update }), rows, round)
      return [0, 1, 2, 3].map((step) =>
        batch(step).flatMap(({ kind, prompt }) => (kind === 'supervised' && prompt.endsWith(':') ? [prompt] : [])),
      )
    }
    const worked = solving('critic', 1)
    expect(worked.map(({ length }) => length)).toEqual([2, 2, 2, 2])
    expect(new Set([...worked, ...solving('critic', 2)].flat()).size).toBe(16)
    expect(solving('generator', 1).flat()).toEqual([])
  })
  it('reports a bucket that falls short instead of changing the mix', () => {
    const { report, consumed } = lesson('generator')
    expect(report['shortBuckets']).toEqual(['fooling'])
    expect(consumed).toHaveLength(8 + 8 + 2)
  })
  it('learns nothing from failed attacks without the solver’s reward', () => {
    const { report } = lesson('generator', { update: { ...small.update, solverReward: false } })
    expect(Object.keys(report['buckets'] ?? {})).toEqual(['detected', 'fooling'])
  })
  it('is supervised rows alone in the control arm, with as many steps', () => {
    const control = lesson('critic', { update: { ...small.update, learn: 'supervised-only' } })
    expect(control.steps).toBe(lesson('critic').steps)
    expect(control.batch(0).every(({ kind }) => kind === 'supervised')).toBe(true)
  })
  it('is the same for the same step, whatever was asked before', () => {
    const one = lesson('critic')
    one.batch(0)
    expect(one.batch(3)).toEqual(lesson('critic').batch(3))
  })
  it('has the paper’s loss or the official code’s', () => {
    expect(spcLoss('critic', parse({}))).toEqual([
      { term: 'policy-gradient', weight: 1, ratio: 'sequence-sum', against: 'behaviour', clip: 1, klInAdvantage: 0.1 },
      { term: 'nll', weight: 0.15 },
    ])
    expect(spcLoss('critic', parse({ update: { ratioLimit: null } }))[0]).toMatchObject({ clip: null })
    expect(spcLoss('critic', parse({ update: { loss: 'official-code' } }))[0]).toMatchObject({
      ratio: 'sequence-mean',
      clip: 0.2,
    })
  })
})

describe('the configuration', () => {
  it.each([
    [{ play: { problmes: 3 } }, 'play'],
    [{ rounds: 'two' }, 'rounds'],
    [{ model: { context: 20 } }, 'model'],
    [{ update: { clip: 2 } }, 'update'],
  ])('refuses %j', (fields, path) => {
    const refused = spcConfig.safeParse({ recipe: 'spc', ...fields })
    expect(refused.error?.issues[0]?.path[0]).toBe(path)
  })
})
