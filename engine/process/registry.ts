/** The trainers that a process holds, by id. */
import { randomUUID } from 'node:crypto'

/** A trainer id that this process does not know, for example because the process that opened it died. */
export class UnknownTrainerError extends Error {
  override readonly name = 'UnknownTrainerError'
}

export class Registry<Trainer extends { close(): Promise<void> }> {
  readonly #trainers = new Map<string, Trainer>()

  add(trainer: Trainer): string {
    const id = randomUUID()
    this.#trainers.set(id, trainer)
    return id
  }

  get(id: string): Trainer {
    const trainer = this.#trainers.get(id)
    if (trainer === undefined) throw new UnknownTrainerError(`this engine process has no trainer ${id}`)
    return trainer
  }

  async close(id: string): Promise<null> {
    await this.get(id).close()
    this.#trainers.delete(id)
    return null
  }
}
