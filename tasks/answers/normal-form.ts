/**
 * One spelling for answers that differ only in how they are typed: spacing, delimiters, synonyms of a command, units,
 * currency, brackets that TeX lets one leave out, zeros that say nothing. What the rules cover follows the normalisation of
 * MATH's grader (Hendrycks et al. 2021) and Minerva's (Lewkowycz et al. 2022, appendix D.1); what an answer means is not
 * looked at here.
 */

/** Longer than any answer of a benchmark; a longer text is compared as it stands, so that no input takes long. */
export const longestAnswer = 1000

type Rule = readonly [pattern: RegExp, replacement: string]

const group = String.raw`\{(?:[^{}]|\{[^{}]*\})*\}`
const text = /\\(?:text(?:bf|it|rm|sf|tt|normal)?|math(?:rm|bf|it|sf)|[mh]box|operatorname|boldsymbol)\s*\{([^{}]*)\}/g

const typing: Rule[] = [
  [/[−–]/g, '-'],
  [/×|·/g, String.raw`\times `],
  [/÷/g, String.raw`\div `],
  [/π/g, String.raw`\pi `],
  [/∞/g, String.raw`\infty `],
  [/∪/g, String.raw`\cup `],
  [/≤/g, String.raw`\le `],
  [/≥/g, String.raw`\ge `],
  [/²/g, '^2'],
  [/³/g, '^3'],
  [/½/g, String.raw`\frac{1}{2}`],
  // The end of a row of a matrix, first of all: a bracket after it would look like the beginning of a formula.
  [/\\\\(?:\[[^\]]*\])?/g, '¦'],
  // Thousands: 5,\!866 and 8{,}880 and 10\,000.
  [/,\\!|\{,\}|(?<=\d)\\,(?=\d{3})/g, ''],
  [/\\\$|[$£€]|\\[()[\]]/g, ''],
  [/\\[!,;: ]|\\q?quad(?![a-zA-Z])|\\displaystyle(?![a-zA-Z])|~/g, ' '],
  [/\\(?:left|right)(?![a-zA-Z])\.?|\\[bB]igg?[lr]?(?![a-zA-Z])/g, ''],
]

const synonyms: Rule[] = [
  [/\\[dtc]frac(?![a-zA-Z])/g, String.raw`\frac`],
  [/\\(le|ge)q(?:slant)?(?![a-zA-Z])/g, String.raw`\$1`],
  [/\\neq(?![a-zA-Z])/g, String.raw`\ne`],
  [/\\(?:cdot|times|ast)(?![a-zA-Z])/g, '*'],
  [/\\div(?![a-zA-Z])/g, '/'],
  [/\\(?:[lr]?vert|mid)(?![a-zA-Z])/g, '|'],
  [/\\lbrace(?![a-zA-Z])/g, String.raw`\{`],
  [/\\rbrace(?![a-zA-Z])/g, String.raw`\}`],
  [/\\langle(?![a-zA-Z])/g, '('],
  [/\\rangle(?![a-zA-Z])/g, ')'],
  [/\\varnothing(?![a-zA-Z])/g, String.raw`\emptyset`],
  [/\^\s*\{\s*\\circ\s*\}|\^\s*\\circ(?![a-zA-Z])|\\degree(?![a-zA-Z])|(?<=[\d})])\s*degrees?(?![a-zA-Z])/g, '°'],
  [/\\%|(?<=\d)\s*percent(?![a-zA-Z])/g, '%'],
  [/(?<=\d)\s*thousand(?![a-zA-Z])/g, '*10^{3}'],
  [/(?<=\d)\s*million(?![a-zA-Z])/g, '*10^{6}'],
  [/(?<=\d)\s*billion(?![a-zA-Z])/g, '*10^{9}'],
]

/** TeX takes one character where an argument has no braces: \frac34, \frac{1}3, \sqrt2, x^{2}, a_{n}. */
const brackets: Rule[] = [
  [/(?<![\d./])(\d+) (\d+)\/(\d+)(?![\d/])/g, String.raw`$1\frac{$2}{$3}`],
  [/\\(frac|binom|sqrt)(?:\s*(\d)|\s+([a-zA-Z]))/g, String.raw`\$1{$2$3}`],
  [new RegExp(String.raw`(\\(?:frac|binom)\s*${group})\s*([0-9a-zA-Z]|\\pi(?![a-zA-Z]))`, 'g'), '$1{$2}'],
  [/([_^])\s*\{\s*([0-9a-zA-Z])\s*\}(?!\s*\d)/g, '$1$2'],
  [/^\{([^{}]*)\}$/g, '$1'],
]

const numbers: Rule[] = [
  [/(?<![\d.])\.(?=\d)/g, '0.'],
  [/(?<=\.\d*[1-9])0+(?!\d)|(?<=\d)\.0+(?!\d)/g, ''],
  [/(?<![\d.])0+(?=\d)/g, ''],
  [/^\+/g, ''],
]

const spaces: Rule[] = [
  [/,\s*,/g, ','],
  [/^[\s,;:]+|[\s,;:.]+$/g, ''],
  [/\s+/g, ' '],
  [/(?<![0-9a-zA-Z]) | (?![0-9a-zA-Z])/g, ''],
]

/** Units of fewer than three letters; a longer word behind a number is a unit whatever it is. */
const shortUnits = new Set('m cm mm km g kg mg gm lb oz ft in mi s h hr l ml cl hz mph'.split(' '))

/** A text in its normal form; the normal form of a normal form is itself, as the rules run until none applies. */
export function normalise(answer: string): string {
  let result = answer.trim()
  if (result.length > longestAnswer) return result
  for (let before = ''; before !== result && result.length <= longestAnswer;) {
    before = result
    result = apply(typing, result)
    result = withoutThousands(withoutTrailingUnit(unwrapTexts(result)))
    result = apply([...synonyms, ...brackets, ...numbers, ...spaces], result)
  }
  return result
}

function apply(rules: readonly Rule[], to: string): string {
  return rules.reduce((result, [pattern, replacement]) => result.replace(pattern, replacement), to)
}

/** `\text{…}` becomes its words; behind a value they are a unit and go, unless they say which half of the day. */
function unwrapTexts(whole: string): string {
  const joined = whole.replace(/(\\text\{[^{}]*)\}\s*\\text\{/g, '$1')
  return joined
    .replace(text, (_, words: string, at: number) => {
      if (/^\s*(?:and|or)\s*$/i.test(words)) return ','
      const behindValue = /(?:[\d})%]|\\pi)\s*$/.test(joined.slice(0, at))
      return behindValue && isUnit(words) ? '\u{fffc}' : words
    })
    .replace(/\s*\u{fffc}(?:\s*\^\s*(?:\d|\{\d+\}))?/gu, '')
}

const isUnit = (words: string): boolean => !/^\s*(?:[ap]\.?\s*m\b|thousand|million|billion|degree|percent)/i.test(words)

/** `18 dollars`, `5 apples per day`: the words behind the one number of an answer. */
function withoutTrailingUnit(whole: string): string {
  const [, value, words] =
    /^((?:[^a-zA-Z]|\\[a-zA-Z]+)*[\d)}%])\s+([a-zA-Z][a-zA-Z\s/.-]*)(?:\^\s*(?:\d|\{\d+\}))?$/.exec(whole) ?? []
  if (value === undefined || words === undefined || !isUnit(words)) return whole
  const isWord = (word: string): boolean => word.length > 2 || shortUnits.has(word)
  return words.split(/[^a-zA-Z]+/).some(isWord) ? value : whole
}

/** `114,200` is one number where it is the whole answer, or the whole right side of an equation; elsewhere commas separate. */
function withoutThousands(whole: string): string {
  return whole.replace(/(?<=^|=\s*)[-+]?\d{1,3}(?:,\d{3})+(?=(?:\.\d+)?\s*%?$)/, (number) => number.replaceAll(',', ''))
}
