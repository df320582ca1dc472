/**
 * The final answer that a solution states, as a text. The conventions of the field, the most explicit first:
 * `\boxed{…}` (MATH, and models trained on it), `#### …` (GSM8K's reference solutions), a line `A: …` (GSM8K's model
 * solutions), “the answer is …” (few-shot prompts after Wei et al. 2022).
 */
export function finalAnswer(solution: string): string | null {
  const text = solution.replaceAll('**', '')
  return lastBox(text) ?? marked(text, /^\s*####(.*)$/gm) ?? marked(text, /^A:(.*)$/gm) ?? stated(text)
}

/** The same where the answer is known to be a number: a solution that follows no convention ends with it. */
export function finalNumber(solution: string): string | null {
  const answer = finalAnswer(solution)
  if (answer === null) return lastNumber(solution)
  // A sentence (“that he has 5 apples left”): the number in it is meant. Digits with nothing but LaTeX around them stay whole.
  return /(?<![\\a-zA-Z])[a-zA-Z]{3,}[^\d]*\d/.test(answer) ? lastNumber(answer) : answer
}

/** The same where the answer is a formula: a solution that follows no convention ends with it, in its last line. */
export function finalFormula(solution: string): string | null {
  const answer = finalAnswer(solution)
  if (answer !== null) return answer
  const last = solution.trimEnd().slice(-longestEnd).split('\n').at(-1) ?? ''
  const [, round, square, dollars] = [...last.matchAll(formula)].at(-1) ?? []
  return (round ?? square ?? dollars)?.trim() || null
}

/** Closed formulas; one that is cut off is none. */
const formula = /\\\((.+?)\\\)|\\\[(.+?)\\\]|\$([^$]+)\$/g
/** A final line is no longer than that; a longer one is no statement of an answer. */
const longestEnd = 1000

/** What stands in the last `\boxed{…}` that is closed and not empty; the prompt may hold an empty one. */
function lastBox(text: string): string | null {
  for (const { index, 0: command } of [...text.matchAll(/\\f?boxed?(?![a-zA-Z])\s*/g)].toReversed()) {
    const from = index + command.length
    const inside = text[from] === '{' ? insideBraces(text, from) : (/^[^\s${}\\]+/.exec(text.slice(from))?.[0] ?? null)
    if (inside !== null && inside.trim() !== '') return inside.trim()
  }
  return null
}

/** What stands between the brace at `open` and the one that closes it; null where none does. */
function insideBraces(text: string, open: number): string | null {
  let depth = 0
  for (let at = open; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '{') depth++
    else if (text[at] === '}' && --depth === 0) return text.slice(open + 1, at)
  }
  return null
}

function marked(text: string, pattern: RegExp): string | null {
  return [...text.matchAll(pattern)].at(-1)?.[1]?.trim() || null
}

/** The last “answer is …” or “answer: …”, up to the end of its sentence; only its formula where it holds one. */
function stated(text: string): string | null {
  const sentence = marked(text, /\banswer\s*(?:is|:|=)\s*:?\s*([^\n]*?)(?=\.?\s*$|\.\s|\n)/gim)
  return sentence === null ? null : (/\$([^$]+)\$|\\\((.+?)\\\)/.exec(sentence)?.slice(1).find(Boolean) ?? sentence)
}

export function lastNumber(text: string): string | null {
  const numbers = text.match(/(?:(?<![\d)]\s*)-\s?)?\$?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:\/\d+)?%?/g)
  return numbers?.at(-1)?.replace(/,$/, '') ?? null
}
