/** A run whose teacher and one of whose solvers are models behind a server: it fails for good, it fails for a while, it is counted. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { rootMessage } from '../../cli/failure.ts'
import { isTrueStep } from '../../tasks/word-steps.ts'
import { type ChatRequest, ChatServer, completion } from '../support/chat-server.ts'
import { openPlace, query, runName, withClient } from '../support/run.ts'
import { otherSmallRuns } from '../support/small-run.ts'
import { WorkerProcess } from '../support/worker-process.ts'

const KEY = 'SPARRING_TEST_SERVER_KEY'
const oddStep = 'Nobody knows how many there are.'

let server: ChatServer
let place: Awaited<ReturnType<typeof openPlace>>
beforeAll(async () => {
  process.env[KEY] = 'open sesame'
  server = await ChatServer.open()
  place = await openPlace({ temporalAddress: inject('temporalAddress'), databaseUrl: inject('databaseUrl') })
})
afterAll(async () => {
  delete process.env[KEY]
  await server.close()
  await place.close()
})

/** A number for each text; the seeds of requests have 24 bits, in steps of 128. */
const luck = ({ seed }: Pick<ChatRequest, 'seed'>): number => seed / 128

/** What a model would say that knows arithmetic: most of its solutions are right, and an error that it is led into it keeps. */
function says({ messages, ...request }: ChatRequest): string {
  const [asked, begun] = messages.map(({ content }) => content)
  const { type } = /^Error: (?<type>\w+)$/m.exec(asked ?? '')?.groups ?? {}
  if (type) return `Error: ${type}\nChange: what is known becomes unknown\nWrong step: ${oddStep}`
  const isWrong = (text: string): boolean => text.includes(oddStep) || isTrueStep(text) === false
  const last = asked?.split('Last step:\n')[1]
  if (last !== undefined) return `I see.\nVerdict: ${isWrong(last) ? 'Incorrect' : 'Correct'}`
  const [has = 0, gets = 0, gives = 0] = [...(asked ?? '').matchAll(/\d+/g)].map(Number)
  const answer = `The answer is ${has + gets - gives}.`
  if (begun !== undefined) return isWrong(begun) ? 'The answer is 999.' : answer
  const step = `That makes ${has} + ${gets} = ${has + gets}.`
  return `${step}\n\n${luck(request) % 3 > 0 ? answer : `${has + gets} - ${gives} = 999.\n\nThe answer is 999.`}`
}

const config = (url: string) => {
  const small = otherSmallRuns['spc-text']
  const endpoint = (model: string) => ({ url, model, keyFrom: KEY })
  return {
    recipe: 'spc-text',
    ...small,
    solvers: [{ policy: 'base' }, { endpoint: endpoint('sums') }],
    supervised: {
      pairs: 8,
      teacher: endpoint('teacher'),
      critiques: 1,
      written: 8,
      generator: { steps: 12, batch: 8, learningRate: 1e-3 },
      critic: { steps: 2, batch: 8 },
    },
    play: { problems: 8, mediumSolutions: 4, easyKept: 1, temperature: 0.5 },
    evaluation: { natural: 4, tries: 1 },
  }
}

test('a key that is refused ends the run at once; once it is let in the run goes on, through the server’s bad moments', async () => {
  const run = runName('servers')
  const given = config(server.url)
  server.answer = () => ({ status: 401, body: 'that key opens nothing' })
  const worker = await WorkerProcess.start({ ...place, engines: 1 })
  const refused = new Set<number>()
  try {
    await withClient(place, async (client) => {
      await client.launch({ name: run, config: given })
      expect(await client.result(run).catch(rootMessage)).toMatch(/answered 401: that key opens nothing/)
      // No text was asked for twice.
      expect(new Set(server.seen.map(({ body }) => body.seed)).size).toBe(server.seen.length)

      // The key is let in now, and every fourth text is refused once.
      server.seen = []
      server.answer = (body) => {
        if (luck(body) % 4 > 0 || refused.has(body.seed)) return completion(says(body))
        refused.add(body.seed)
        return { status: 500, body: 'out of breath' }
      }
      await client.launch({ name: run, config: given })
      await client.result(run)
    })
  } finally {
    await worker.stop()
  }
  expect(refused.size).toBeGreaterThan(3)
  for (const seed of refused) expect(server.seen.filter(({ body }) => body.seed === seed).length).toBeGreaterThan(1)
  for (const { key } of server.seen) expect(key).toBe('Bearer open sesame')

  const rows = <Row extends Record<string, unknown>>(sql: string): Promise<Row[]> =>
    query<Row>(place.databaseUrl, sql, [run])
  const written = await rows<{ valid: boolean; teacher: string; solver: string }>(
    `select (data ->> 'valid')::boolean as valid, data ->> 'teacher' as teacher, data ->> 'solver' as solver
     from items where run = $1 and "set" = 'written steps' order by item`,
  )
  expect(written).toHaveLength(8)
  expect(new Set(written.map(({ teacher }) => teacher))).toEqual(new Set(['teacher:teacher@0']))
  // The server keeps to the rule; of what the small model says at the odd step, nobody knows.
  const byServer = written.filter(({ solver }) => solver === 'solver:sums@0')
  expect(byServer.map(({ valid }) => valid)).toEqual([true, true, true, true])

  const said = await rows<{ role: string; texts: string; tokens: string; letters: string }>(
    `select role, count(*) as texts, sum(tokens) as tokens, sum(length(text) - 1) as letters
     from turns where run = $1 and turn like 'validate/%' group by role order by role`,
  )
  expect(said.map(({ role }) => role)).toEqual(['base', 'solver:sums'])
  // The server counts a token for each letter; the mark of the end is ours.
  expect(said[1]?.tokens).toBe(said[1]?.letters)
  const counted = await rows<{ phase: string; tokens: string }>(
    `select phase, sum(tokens) as tokens from shards where run = $1 and phase like 'presolve/%' group by phase order by phase`,
  )
  expect(counted.map(({ phase }) => phase)).toEqual(['presolve/1', 'presolve/2'])
  const whole = server.seen.filter(({ body }) => body.model === 'sums' && body.messages.length === 1)
  expect(whole.length).toBeGreaterThan(0)
  for (const { tokens } of counted) expect(Number(tokens)).toBeGreaterThan(0)
}, 480_000)
