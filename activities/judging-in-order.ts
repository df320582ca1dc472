import type { EvaluationRow, ItemRow } from '../shared/recipe.ts'

/**
 * Has the items of a shard judged text by text: first those that stand behind none of them, together, then what stands behind those
 * that were called Correct, and so on. What stands behind anything else is left out. A text that began in the shard before goes on
 * here whatever was said there: which lines a shard asks about depends on nothing outside it.
 */
export async function judgeInOrder(
  items: readonly ItemRow[],
  behind: (item: ItemRow) => number | null,
  judge: (items: ItemRow[]) => Promise<EvaluationRow[]>,
): Promise<EvaluationRow[]> {
  const here = new Set(items.map(({ item }) => item))
  const isFirst = (item: ItemRow): boolean => !here.has(behind(item) ?? -1)
  const rows: EvaluationRow[] = []
  let asked = items.filter(isFirst)
  while (asked.length > 0) {
    const judged = await judge(asked)
    rows.push(...judged)
    const correct = new Set(judged.flatMap(({ item, verdict }) => (verdict === 'Correct' ? [item] : [])))
    asked = items.filter((item) => correct.has(behind(item) ?? -1))
  }
  return rows
}
