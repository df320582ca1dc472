/**
 * Attention of whole sequences to their past. Queries are taken in blocks, and each block meets the keys up to its own end only:
 * with n blocks that is (n + 1) / 2n of the products of a square that is masked above its diagonal.
 */
import {
  attention,
  concat,
  type Dimension,
  reshape,
  slice,
  split,
  times,
  transpose,
  type Value,
} from '../graph/index.ts'
import { fixedDimension, product } from '../graph/types.ts'

/** Sizes of queries, keys and values. */
export interface HeadShape {
  readonly batch: Dimension
  /** Queries are taken in blocks where it is known when the graph is built. */
  readonly length: Dimension
  readonly heads: number
  /** Fewer than `heads` is grouped-query attention: query heads share keys and values. */
  readonly keyValueHeads: number
}

/** query [batch, length, heads · size], key and value as splitHeads makes them → [batch · length, heads · size]. */
type Attention = (query: Value, key: Value, value: Value) => Value

/** Smaller blocks save little more, and products of few rows are slow. */
export const SMALLEST_BLOCK = 64

/** mask: additive, broadcastable to [batch, keyValueHeads, length, length], and so low above the diagonal that nothing is left there. */
export function causalAttention(shape: HeadShape, mask: Value): Attention {
  const { length } = shape
  const blocks = typeof length === 'number' ? blocksOf(length) : 1
  return typeof length === 'string' || blocks === 1 ? inOne(shape, mask) : inBlocks({ ...shape, length }, blocks, mask)
}

function inOne(shape: HeadShape, mask: Value): Attention {
  const masks = forGroup(mask, shape)
  return (query, key, value) => {
    const queries = groupHeads(query, shape)
    const scale = 1 / Math.sqrt(fixedDimension(queries.shape, -1))
    return joinHeads(attention(queries, key, value, masks, scale), shape)
  }
}

function inBlocks(shape: HeadShape & { readonly length: number }, blocks: number, mask: Value): Attention {
  const { batch, length, heads, keyValueHeads } = shape
  const block = length / blocks
  const group = heads / keyValueHeads
  const rows = mask.shape.length - 2
  const ends = Array.from({ length: blocks }, (_, index) => (index + 1) * block)
  const masks = ends.map((end) => forGroup(slice(slice(mask, rows, end - block, end), rows + 1, 0, end), shape))
  return (query, key, value) => {
    const size = fixedDimension(query.shape, -1) / heads
    const scale = 1 / Math.sqrt(size)
    // [batch, keyValueHeads, blocks · group · block, size]
    const apart = reshape(query, [batch, blocks, block, keyValueHeads, group, size])
    const grouped = reshape(transpose(apart, [0, 3, 1, 4, 2, 5]), [batch, keyValueHeads, group * length, size])
    const queries = split(
      grouped,
      2,
      ends.map(() => group * block),
    )
    const mixed = queries.map((part, index) => {
      const end = ends[index] ?? length
      return attention(part, slice(key, 2, 0, end), slice(value, 2, 0, end), masks[index] ?? mask, scale)
    })
    const together = reshape(concat(mixed, 2), [batch, keyValueHeads, blocks, group, block, size])
    return reshape(transpose(together, [0, 2, 4, 1, 3, 5]), [times(batch, length), heads * size])
  }
}

/** A mask of queries, once for each query head that shares a key. */
function forGroup(mask: Value, { heads, keyValueHeads }: HeadShape): Value {
  const group = heads / keyValueHeads
  const axis = mask.shape.length - 2
  const copies = Array.from({ length: group }, () => mask)
  return concat(copies, axis, String(times(mask.shape[axis] ?? 1, group)))
}

/** [batch, length, keyValueHeads · size], or with the first two axes as one → [batch, keyValueHeads, length, size]. */
export function splitHeads(x: Value, { batch, length, keyValueHeads }: Omit<HeadShape, 'heads'>): Value {
  const size = fixedDimension(x.shape, -1) / keyValueHeads
  return transpose(reshape(x, [batch, length, keyValueHeads, size]), [0, 2, 1, 3])
}

/** Query heads by the key that they share: [batch, length, heads · size] → [batch, keyValueHeads, group · length, size]. */
export function groupHeads(query: Value, { batch, length, heads, keyValueHeads }: HeadShape): Value {
  const [size, group] = [fixedDimension(query.shape, -1) / heads, heads / keyValueHeads]
  const apart = reshape(query, [batch, length, keyValueHeads, group, size])
  return reshape(transpose(apart, [0, 2, 3, 1, 4]), [batch, keyValueHeads, times(length, group), size])
}

/** The way back: [batch, keyValueHeads, group · length, size] → [batch · length, heads · size]. */
export function joinHeads(x: Value, { batch, length, heads, keyValueHeads }: HeadShape): Value {
  const size = fixedDimension(x.shape, -1)
  const apart = reshape(x, [batch, keyValueHeads, heads / keyValueHeads, length, size])
  return reshape(transpose(apart, [0, 3, 1, 2, 4]), [product([batch, length]), heads * size])
}

/** As many blocks of one size as the length allows. */
function blocksOf(length: number): number {
  for (let blocks = Math.floor(length / SMALLEST_BLOCK); blocks > 1; blocks--) {
    if (length % blocks === 0) return blocks
  }
  return 1
}
