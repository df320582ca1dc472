/** A server of chat completions, in the form of vLLM's and llama.cpp's, that says what a test wants and keeps what it was asked. */
import http from 'node:http'
import { z } from 'zod'

const request = z.object({
  model: z.string(),
  messages: z.array(z.object({ role: z.string(), content: z.string() })),
  temperature: z.number(),
  max_tokens: z.number(),
  seed: z.number(),
  continue_final_message: z.boolean().optional(),
})
export type ChatRequest = z.infer<typeof request>

interface Reply {
  status?: number
  /** A text as it is, anything else as JSON. */
  body: unknown
}

/** A completion of as many tokens as it has letters. */
export const completion = (content: string, finish_reason = 'stop'): Reply => ({
  body: { choices: [{ message: { content }, finish_reason }], usage: { completion_tokens: content.length } },
})

export class ChatServer {
  seen: { body: ChatRequest; key: string | undefined }[] = []
  answer: (body: ChatRequest, key: string | undefined) => Reply = ({ seed }) => completion(`${seed}`)
  readonly #server = http.createServer((incoming, response) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const body = request.parse(JSON.parse(Buffer.concat(chunks).toString()))
      const key = incoming.headers.authorization
      this.seen.push({ body, key })
      const { status = 200, body: said } = this.answer(body, key)
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(typeof said === 'string' ? said : JSON.stringify(said))
    })
  })

  static async open(): Promise<ChatServer> {
    const server = new ChatServer()
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve))
    return server
  }

  get url(): string {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('the server is not open')
    return `http://127.0.0.1:${address.port}/v1`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
