/** A player behind a server of chat completions. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { endpointSampler } from '../../../activities/endpoint.ts'
import { writeChat } from '../../../shared/chat.ts'
import { ChatServer, completion } from '../../support/chat-server.ts'

let server: ChatServer
beforeAll(async () => void (server = await ChatServer.open()))
beforeEach(() => {
  server.seen = []
  server.answer = ({ seed }) => completion(`${seed}`)
})
afterAll(() => server.close())

const never = new AbortController().signal
const sampling = { samples: 2, temperature: 0.7, maximumNewTokens: 9 }
const prompt = writeChat([{ role: 'user', content: 'Solve.' }])
const asked = [
  { prompt, seeds: ['1/a/0', '1/a/1'] },
  { prompt: `${prompt}\n${writeChat([{ role: 'assistant', content: 'First\n\n' }])}`, seeds: ['1/b/0', '1/b/1'] },
]
const sampler = (keyFrom: string | null = null) =>
  endpointSampler({ url: `${server.url}/`, model: 'm', keyFrom }, '␃', never)

describe('a server of chat completions', () => {
  it('is asked once for each text, with its own seed, and every time with the same one', async () => {
    const said = await sampler()(asked, sampling)
    expect(said.map((texts) => texts.length)).toEqual([2, 2])
    const seeds = server.seen.map(({ body }) => body.seed)
    expect(new Set(seeds).size).toBe(4)
    for (const texts of said) for (const { text, tokens } of texts) expect(text).toHaveLength(tokens + 1)
    expect(await sampler()(asked, sampling)).toEqual(said)
    expect(server.seen[0]?.body).toMatchObject({ model: 'm', temperature: 0.7, max_tokens: 9 })
  })

  it('says all, and its answer ends where it is to end, whichever of the two ended it there', async () => {
    server.answer = () => completion('\n\nOne.\n\nTwo.')
    const [cut] = await sampler()(asked, { ...sampling, ends: '\n\n' })
    expect(cut?.[0]).toMatchObject({ text: '\n\nOne.\n\n', tokens: 12 })
    server.answer = () => completion('Two.')
    const [ended] = await sampler()(asked, { ...sampling, ends: '\n\n' })
    expect(ended?.[0]?.text).toBe('Two.␃')
  })

  it('is given the conversation, and goes on with what the assistant has begun', async () => {
    await sampler()(asked, { ...sampling, samples: 1 })
    const bodies = server.seen
      .map(({ body }) => body)
      .toSorted((one, other) => one.messages.length - other.messages.length)
    expect(bodies.map(({ messages }) => messages.at(-1))).toEqual([
      { role: 'user', content: 'Solve.' },
      { role: 'assistant', content: 'First\n\n' },
    ])
    expect(bodies.map((body) => body.continue_final_message)).toEqual([undefined, true])
  })

  it('ends a text with the stop mark unless it ran out of tokens', async () => {
    server.answer = () => completion('half of it', 'length')
    expect((await sampler()(asked, sampling))[0]?.[0]?.text).toBe('half of it')
    server.answer = () => completion('all')
    expect((await sampler()(asked, sampling))[0]?.[0]?.text).toBe('all␃')
  })

  it('gets the key that the worker holds, and none is an error that names the variable', async () => {
    process.env['SPARRING_TEST_KEY'] = 'secret'
    await sampler('SPARRING_TEST_KEY')(asked.slice(0, 1), sampling)
    expect(server.seen.map(({ key }) => key)).toEqual(['Bearer secret', 'Bearer secret'])
    delete process.env['SPARRING_TEST_KEY']
    await expect(sampler('SPARRING_TEST_KEY')(asked, sampling)).rejects.toThrow(/SPARRING_TEST_KEY/)
  })

  it.each([
    [503, 'Error'],
    [429, 'Error'],
    [404, 'UserError'],
    [401, 'UserError'],
  ])('that answers %i fails with an %s', async (status, name) => {
    server.answer = () => ({ status, body: 'no such model' })
    await expect(sampler()(asked, sampling)).rejects.toMatchObject({
      name,
      message: expect.stringContaining('no such model'),
    })
  })

  it('is asked for nothing more by an attempt that has failed', async () => {
    const many = (content: string) =>
      Array.from({ length: 100 }, (_, index) => ({
        prompt: writeChat([{ role: 'user', content }]),
        seeds: [`${content}/${index}`],
      }))
    const once = { ...sampling, samples: 1 }
    const ofFirst = () => server.seen.filter(({ body }) => body.messages[0]?.content === 'First.').length
    server.answer = ({ seed }) => (ofFirst() === 1 ? { status: 503, body: 'busy' } : completion(`${seed}`))
    await expect(sampler()(many('First.'), once)).rejects.toThrow('busy')
    server.answer = ({ seed }) => completion(`${seed}`)
    await sampler()(many('Second.'), once)
    expect(ofFirst()).toBeLessThan(50)
  })

  it('that speaks another language is a mistake in the run file', async () => {
    server.answer = () => ({ body: '<html>' })
    await expect(sampler()(asked, sampling)).rejects.toMatchObject({ name: 'UserError' })
  })

  it('is asked nothing more when nobody wants the texts', async () => {
    const stopped = AbortSignal.abort(new Error('stopped'))
    const end = endpointSampler({ url: server.url, model: 'm', keyFrom: null }, '␃', stopped)(asked, sampling)
    await expect(end).rejects.toThrow('stopped')
    expect(server.seen).toEqual([])
  })
})
