/** A player behind a server of chat completions. */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { endpointSampler } from '../../../activities/endpoint.ts'
import { writeChat } from '../../../shared/chat.ts'

const request = z.object({
  model: z.string(),
  messages: z.array(z.object({ role: z.string(), content: z.string() })),
  temperature: z.number(),
  max_tokens: z.number(),
  seed: z.number(),
  continue_final_message: z.boolean().optional(),
})
type Request = z.infer<typeof request>

/** What the server saw, and how it answers. */
let seen: { body: Request; key: string | undefined }[] = []
let answer: (body: Request) => { status?: number; body: unknown }
const server = http.createServer((incoming, response) => {
  const chunks: Buffer[] = []
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
  incoming.on('end', () => {
    const body = request.parse(JSON.parse(Buffer.concat(chunks).toString()))
    seen.push({ body, key: incoming.headers.authorization })
    const { status = 200, body: said } = answer(body)
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(typeof said === 'string' ? said : JSON.stringify(said))
  })
})
const says = (content: string, finish_reason = 'stop') => ({
  body: { choices: [{ message: { content }, finish_reason }], usage: { completion_tokens: content.length } },
})
let url = ''
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  url = `http://127.0.0.1:${port}/v1/`
})
beforeEach(() => {
  seen = []
  answer = ({ seed }) => says(`${seed}`)
})
afterAll(() => new Promise((resolve) => server.close(resolve)))

const never = new AbortController().signal
const sampling = { samples: 2, temperature: 0.7, maximumNewTokens: 9 }
const prompt = writeChat([{ role: 'user', content: 'Solve.' }])
const asked = [
  { prompt, seeds: ['1/a/0', '1/a/1'] },
  { prompt: `${prompt}\n${writeChat([{ role: 'assistant', content: 'First\n\n' }])}`, seeds: ['1/b/0', '1/b/1'] },
]
const sampler = (keyFrom: string | null = null) => endpointSampler({ url, model: 'm', keyFrom }, '␃', never)

describe('a server of chat completions', () => {
  it('is asked once for each text, with its own seed, and every time with the same one', async () => {
    const said = await sampler()(asked, sampling)
    expect(said.map((texts) => texts.length)).toEqual([2, 2])
    const seeds = seen.map(({ body }) => body.seed)
    expect(new Set(seeds).size).toBe(4)
    for (const texts of said) for (const { text, tokens } of texts) expect(text).toHaveLength(tokens + 1)
    expect(await sampler()(asked, sampling)).toEqual(said)
    expect(seen[0]?.body).toMatchObject({ model: 'm', temperature: 0.7, max_tokens: 9 })
  })

  it('says all, and its answer ends where it is to end, whichever of the two ended it there', async () => {
    answer = () => says('\n\nOne.\n\nTwo.')
    const [cut] = await sampler()(asked, { ...sampling, ends: '\n\n' })
    expect(cut?.[0]).toMatchObject({ text: '\n\nOne.\n\n', tokens: 12 })
    answer = () => says('Two.')
    const [ended] = await sampler()(asked, { ...sampling, ends: '\n\n' })
    expect(ended?.[0]?.text).toBe('Two.␃')
  })

  it('is given the conversation, and goes on with what the assistant has begun', async () => {
    await sampler()(asked, { ...sampling, samples: 1 })
    const bodies = seen.map(({ body }) => body).toSorted((one, other) => one.messages.length - other.messages.length)
    expect(bodies.map(({ messages }) => messages.at(-1))).toEqual([
      { role: 'user', content: 'Solve.' },
      { role: 'assistant', content: 'First\n\n' },
    ])
    expect(bodies.map((body) => body.continue_final_message)).toEqual([undefined, true])
  })

  it('ends a text with the stop mark unless it ran out of tokens', async () => {
    answer = () => says('half of it', 'length')
    expect((await sampler()(asked, sampling))[0]?.[0]?.text).toBe('half of it')
    answer = () => says('all')
    expect((await sampler()(asked, sampling))[0]?.[0]?.text).toBe('all␃')
  })

  it('gets the key that the worker holds, and none is an error that names the variable', async () => {
    process.env['SPARRING_TEST_KEY'] = 'secret'
    await sampler('SPARRING_TEST_KEY')(asked.slice(0, 1), sampling)
    expect(seen.map(({ key }) => key)).toEqual(['Bearer secret', 'Bearer secret'])
    delete process.env['SPARRING_TEST_KEY']
    await expect(sampler('SPARRING_TEST_KEY')(asked, sampling)).rejects.toThrow(/SPARRING_TEST_KEY/)
  })

  it.each([
    [503, 'Error'],
    [429, 'Error'],
    [404, 'UserError'],
    [401, 'UserError'],
  ])('that answers %i fails with an %s', async (status, name) => {
    answer = () => ({ status, body: 'no such model' })
    await expect(sampler()(asked, sampling)).rejects.toMatchObject({
      name,
      message: expect.stringContaining('no such model'),
    })
  })

  it('that speaks another language is a mistake in the run file', async () => {
    answer = () => ({ body: '<html>' })
    await expect(sampler()(asked, sampling)).rejects.toMatchObject({ name: 'UserError' })
  })

  it('is asked nothing more when nobody wants the texts', async () => {
    const stopped = AbortSignal.abort(new Error('stopped'))
    const end = endpointSampler({ url, model: 'm', keyFrom: null }, '␃', stopped)(asked, sampling)
    await expect(end).rejects.toThrow('stopped')
    expect(seen).toEqual([])
  })
})
