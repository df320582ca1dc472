/** The gradient of half a batch, in whichever thread. */
import { countFeed, floatFeed, Session, type SessionOptions } from '../runtime/session.ts'
import { halfGraph, LEARNT, type TrainingGraphOptions } from './batch-gradient.ts'
import { rowFeeds } from './parts.ts'
import type { PackedRows } from './rows.ts'

/** Which half, and of what. */
export interface HalfRequest {
  readonly weights: Float32Array
  /** Of one step. */
  readonly packed: PackedRows
  readonly lineSize: number
  readonly half: 0 | 1
}

export interface Half {
  readonly gradient: Float32Array
  /** What was measured, in the order of the graph's columns. */
  readonly measures: Float32Array
}

/** Not prepacked, as the matrices of a frozen base are not in the graph that computes whole steps either: loops lie in its loops. */
export const openHalf = (options: TrainingGraphOptions, session: SessionOptions): Promise<Session> =>
  Session.create(halfGraph(options).graph, { ...session, prepacked: false })

export async function halfOf(session: Session, { weights, packed, lineSize, half }: HalfRequest): Promise<Half> {
  const outputs = await session.run({
    [LEARNT]: floatFeed(weights),
    ...rowFeeds(packed, lineSize),
    half: countFeed(half),
  })
  return { gradient: outputs.floats('gradient'), measures: outputs.floats('measures') }
}
