import { z } from 'zod'
import { cutBehind } from '../engine/index.ts'
import { readChat } from '../shared/chat.ts'
import { UserError } from '../shared/errors.ts'
import { Stream } from '../shared/random.ts'
import type { Endpoint } from '../shared/models.ts'
import type { Said } from '../shared/recipe.ts'
import type { Asked, Sampler } from './playing.ts'

/** Requests under way at once. */
const AT_ONCE = 8
/** A server that says nothing for so long is asked again, by a new attempt of the activity. */
const PATIENCE_MS = 300_000

const completion = z.object({
  choices: z
    .array(z.object({ message: z.object({ content: z.string().nullable() }), finish_reason: z.string().nullish() }))
    .min(1),
  usage: z.object({ completion_tokens: z.int().min(0) }).nullish(),
})

/**
 * A player behind a server of chat completions. Each text is a request of its own with a seed of its own, so that a server which
 * honours seeds gives the same text again; what it gave is a row, and is not asked for twice. Retrying is Temporal's: what
 * the server may do otherwise next time is an ordinary error, what it refuses for good a UserError.
 */
export const endpointSampler =
  (endpoint: Endpoint, stop: string, signal: AbortSignal): Sampler =>
  async (asked, { samples, temperature, maximumNewTokens, ends }) => {
    const said = asked.map((): Said[] => [])
    const waiting = asked.flatMap((one, index) =>
      one.seeds.slice(0, samples).map((seed, sample) => ({ ...one, index, sample, seed })),
    )
    // What one request fails of, all end with: the next attempt is not to meet the requests of this one at the server.
    const failed = new AbortController()
    const until = AbortSignal.any([signal, failed.signal])
    const drain = async (): Promise<void> => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        until.throwIfAborted()
        const text = await complete(endpoint, { ...next, temperature, maximumNewTokens, stop, signal: until })
        const texts = said[next.index]
        // Cut here: of a server that is told where to stop one does not learn whether it stopped there or had finished.
        const cut = ends === undefined ? text : { ...text, text: cutBehind(text.text, ends) }
        if (texts) texts[next.sample] = { prompt: next.prompt, ...cut }
      }
    }
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, drain))
    } catch (error) {
      failed.abort(error)
      throw error
    }
    return said
  }

interface Wanted extends Asked {
  seed: string
  temperature: number
  maximumNewTokens: number
  stop: string
  signal: AbortSignal
}

async function complete(
  { url, model, keyFrom }: Endpoint,
  { prompt, seed, temperature, maximumNewTokens, stop, signal }: Wanted,
): Promise<Pick<Said, 'text' | 'tokens'>> {
  const messages = readChat(prompt)
  // vLLM's words for going on with the assistant's last message; llama.cpp does so by itself.
  const goesOn = messages.at(-1)?.role === 'assistant'
  const body = {
    model,
    messages,
    temperature,
    max_tokens: maximumNewTokens,
    seed: Math.floor(new Stream(seed).uniform(0) * 2 ** 31),
    ...(goesOn ? { continue_final_message: true, add_generation_prompt: false } : {}),
  }
  const address = `${url.replace(/\/+$/, '')}/chat/completions`
  const response = await fetch(address, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...authorisation(keyFrom) },
    body: JSON.stringify(body),
    signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]),
  })
  const text = await response.text()
  if (!response.ok) throw refusal(address, response.status, text)
  const parsed = completion.safeParse(json(text))
  if (!parsed.success) {
    throw new UserError(
      `${address} answered with something else than a chat completion: ${z.prettifyError(parsed.error)}`,
      'name the address up to what stands before /chat/completions, e.g. http://127.0.0.1:8000/v1',
    )
  }
  const [choice] = parsed.data.choices
  const content = choice?.message.content ?? ''
  const ended = choice?.finish_reason === 'length' ? '' : stop
  return { text: content + ended, tokens: parsed.data.usage?.completion_tokens ?? 0 }
}

function authorisation(keyFrom: string | null): { authorization?: string } {
  if (keyFrom === null) return {}
  const key = process.env[keyFrom]
  if (key) return { authorization: `Bearer ${key}` }
  throw new UserError(`the environment variable ${keyFrom} holds no key`, `set ${keyFrom} where the worker is started`)
}

/** Too many requests, and what goes wrong inside of the server, may pass; any other refusal stays one. */
function refusal(address: string, status: number, text: string): Error {
  const message = `${address} answered ${status}: ${text.slice(0, 300)}`
  if (status === 408 || status === 429 || status >= 500) return new Error(message)
  return new UserError(message, 'look at the url, the model and the key of the endpoint')
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
