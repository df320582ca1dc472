/**
 * Where a line through the places first goes from loss to gain, from the worst critic to the best; null where it never
 * does, or where even the worst gains.
 */
export function breakEven(places: readonly { quality: number; gain: number }[]): number | null {
  const sorted = places.toSorted((a, b) => a.quality - b.quality)
  const index = sorted.findIndex(({ gain }, at) => gain >= 0 && (sorted[at - 1]?.gain ?? 0) < 0)
  const [before, after] = [sorted[index - 1], sorted[index]]
  if (!before || !after) return null
  return before.quality + (-before.gain / (after.gain - before.gain)) * (after.quality - before.quality)
}
