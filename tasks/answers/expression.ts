/**
 * Formulas as functions that can be evaluated: a recursive-descent parser for the normal form of answers. Two formulas with
 * equal values at several places are equal but for a chance that does not matter (Schwartz 1980, Zippel 1979); so no
 * algebra is needed to see that (x-1)(x+1) is x^2-1.
 *
 *   sum     = ["+" | "-"] product {("+" | "-") product}
 *   product = power {["*" | "/"] power}
 *   power   = base {"!" | "°" | "%"} ["^" argument]
 */
export type Expression = (place: number) => number

/** Places at which formulas are compared. At the first two all variables are positive, so that roots and logarithms exist. */
export const places = [0, 1, 2, 3]

/** A variable's value at a place, in 0.2 to 2.7 or its negative: multiples of the golden ratio and of √2 modulo 1. */
function variable(name: string): Expression {
  const code = name.split('').reduce((sum, character) => sum * 31 + character.charCodeAt(0), 7)
  return (place) => {
    const uniform = (code * 0.6180339887498949 + (place + 1) * Math.SQRT2) % 1
    return (0.2 + 2.5 * uniform) * (place > 1 && (code + place) % 2 === 0 ? -1 : 1)
  }
}

const constants = new Map([
  ['\\pi', Math.PI],
  ['\\infty', Infinity],
  ['e', Math.E],
])
const inverse = (of: (x: number) => number) => (x: number) => 1 / of(x)
const functions = new Map<string, (x: number) => number>([
  ['sin', Math.sin],
  ['cos', Math.cos],
  ['tan', Math.tan],
  ['cot', inverse(Math.tan)],
  ['sec', inverse(Math.cos)],
  ['csc', inverse(Math.sin)],
  ['arcsin', Math.asin],
  ['arccos', Math.acos],
  ['arctan', Math.atan],
  ['sinh', Math.sinh],
  ['cosh', Math.cosh],
  ['tanh', Math.tanh],
  ['ln', Math.log],
  ['log', Math.log10],
  ['exp', Math.exp],
])

const token = /\s*(\d+(?:\.\d+)?|\\[a-zA-Z]+|\\[{}]|[a-zA-Z]+|[-+*/^_!°%|()[\]{}])/y

function tokens(text: string): string[] | null {
  const found: string[] = []
  const end = text.trimEnd().length
  for (token.lastIndex = 0; token.lastIndex < end;) {
    const [, one] = token.exec(text) ?? []
    if (one === undefined) return null
    if (!/^[a-zA-Z]/.test(one)) found.push(one)
    // Three letters and more are a word, and a word has no value; `xy` is a product.
    else if (functions.has(one)) found.push(`\\${one}`)
    else if (one.length > 2) return null
    else found.push(...one.split(''))
  }
  return found
}

class NoFormula extends Error {}

/** The formula that a text is, or null where it is none. */
export function parseExpression(text: string): Expression | null {
  const list = tokens(text)
  if (!list || list.length === 0) return null
  try {
    return new Parser(list).whole()
  } catch (error) {
    if (error instanceof NoFormula) return null
    throw error
  }
}

class Parser {
  readonly #tokens: readonly string[]
  #at = 0

  constructor(list: readonly string[]) {
    this.#tokens = list
  }

  whole(): Expression {
    const result = this.#sum()
    if (this.#at < this.#tokens.length) throw new NoFormula()
    return result
  }

  get #next(): string | undefined {
    return this.#tokens[this.#at]
  }

  #take(): string {
    const taken = this.#tokens[this.#at++]
    if (taken === undefined) throw new NoFormula()
    return taken
  }

  #accept(wanted: string): boolean {
    if (this.#next !== wanted) return false
    this.#at++
    return true
  }

  #expect(wanted: string): void {
    if (this.#take() !== wanted) throw new NoFormula()
  }

  #sum(): Expression {
    let result = this.#accept('-') ? negative(this.#product()) : (this.#accept('+'), this.#product())
    for (;;) {
      const left = result
      if (this.#accept('+')) {
        const right = this.#product()
        result = (place) => left(place) + right(place)
      } else if (this.#accept('-')) {
        const right = this.#product()
        result = (place) => left(place) - right(place)
      } else return result
    }
  }

  #product(): Expression {
    let result = this.#signed()
    for (;;) {
      const left = result
      if (this.#accept('/')) {
        const right = this.#signed()
        result = quotient(left, right)
      } else if (this.#accept('*') || this.#startsFactor()) {
        const right = this.#signed()
        result = (place) => left(place) * right(place)
      } else return result
    }
  }

  /** A factor with a sign of its own, as in 2 * -3. Without `*` the sign was read as a sum's. */
  #signed(): Expression {
    return this.#accept('-') ? negative(this.#power()) : this.#power()
  }

  #startsFactor(): boolean {
    const next = this.#next
    return next !== undefined && /^(?:[\d.a-zA-Z([{]|\\[a-zA-Z])/.test(next)
  }

  /** A function, or a bracket: what the argument of a function without brackets ends before. */
  #startsApplication(): boolean {
    return this.#next === '(' || functions.has(this.#next?.slice(1) ?? '')
  }

  #power(): Expression {
    let base = this.#base()
    for (;;) {
      const value = base
      if (this.#accept('!')) base = (place) => factorial(value(place))
      else if (this.#accept('°')) base = (place) => (value(place) * Math.PI) / 180
      else if (this.#accept('%')) base = (place) => value(place) / 100
      else if (this.#accept('^')) base = power(value, this.#argument())
      else return base
    }
  }

  /** What TeX takes behind a command: a group in braces, or one sign. */
  #argument(): Expression {
    if (this.#accept('-')) return negative(this.#base())
    return this.#base()
  }

  #group(open: string, close: string): Expression {
    this.#expect(open)
    const inside = this.#sum()
    this.#expect(close)
    return inside
  }

  #base(): Expression {
    const next = this.#next
    if (next === '(') return this.#group('(', ')')
    if (next === '[') return this.#group('[', ']')
    if (next === '{') return this.#group('{', '}')
    if (next === '|') {
      const inside = this.#group('|', '|')
      return (place) => Math.abs(inside(place))
    }
    const taken = this.#take()
    if (/^\d/.test(taken)) return this.#mixed(Number(taken))
    const constant = constants.get(taken)
    if (constant !== undefined) return () => constant
    if (/^[a-zA-Z]$/.test(taken)) return variable(taken + this.#subscript())
    if (taken.startsWith('\\')) return this.#command(taken.slice(1))
    throw new NoFormula()
  }

  /** `11\frac{2}{5}` is eleven and two fifths; any other product of a number and a fraction is a product. */
  #mixed(whole: number): Expression {
    const fraction = this.#tokens.slice(this.#at, this.#at + 7)
    const [command, , above = '', , , below = ''] = fraction
    // A subscript makes a number of another base of it, which is no value to compare.
    if (command === '_') throw new NoFormula()
    const pattern = `\\frac{${above}}{${below}}`
    const isMixed =
      Number.isInteger(whole) && /^\d+$/.test(above) && /^\d+$/.test(below) && Number(above) < Number(below)
    if (!isMixed || fraction.join('') !== pattern) return () => whole
    this.#at += 7
    return () => whole + Number(above) / Number(below)
  }

  #subscript(): string {
    if (!this.#accept('_')) return ''
    if (!this.#accept('{')) return `_${this.#take()}`
    let name = '_'
    for (let one = this.#take(); one !== '}'; one = this.#take()) name += one
    return name
  }

  #command(name: string): Expression {
    if (name === 'frac') return quotient(this.#group('{', '}'), this.#group('{', '}'))
    if (name === 'binom') return binomial(this.#group('{', '}'), this.#group('{', '}'))
    if (name === 'sqrt') {
      const degree: Expression = this.#next === '[' ? this.#group('[', ']') : () => 2
      return root(this.#next === '{' ? this.#group('{', '}') : this.#base(), degree)
    }
    const known = functions.get(name)
    if (known) return this.#application(name, known)
    // A Greek letter or the like; names of relations and sets are no formulas.
    if (/^(?:alpha|beta|gamma|delta|epsilon|theta|lambda|mu|phi|varphi|rho|sigma|tau|omega)$/.test(name)) {
      return variable(`\\${name}${this.#subscript()}`)
    }
    throw new NoFormula()
  }

  /** `\sin^2 x`, `\log_2 8`, `\cos 13°`: the argument without brackets reaches to the next sign or function. */
  #application(name: string, of: (x: number) => number): Expression {
    let base: Expression | null = null
    if (this.#accept('_')) base = this.#argument()
    const exponent = this.#accept('^') ? this.#argument() : null
    let inside = this.#power()
    const bracketed = /[)}\]]/.test(this.#tokens[this.#at - 1] ?? '')
    while (!bracketed && this.#startsFactor() && !this.#startsApplication()) {
      const [left, right] = [inside, this.#power()]
      inside = (place) => left(place) * right(place)
    }
    if (base && name !== 'log') throw new NoFormula()
    const foot = base
    const value: Expression = foot
      ? (place) => Math.log(inside(place)) / Math.log(foot(place))
      : (place) => of(inside(place))
    return exponent ? power(value, exponent) : value
  }
}

// Where a number of JavaScript cannot hold the value, there is none: two overflows must not look equal.

const negative =
  (of: Expression): Expression =>
  (place) =>
    -of(place)

function quotient(above: Expression, below: Expression): Expression {
  return (place) => {
    const by = below(place)
    return by === 0 ? NaN : above(place) / by
  }
}

function power(base: Expression, exponent: Expression): Expression {
  return (place) => {
    const result = base(place) ** exponent(place)
    return !Number.isFinite(result) || (result === 0 && base(place) !== 0) ? NaN : result
  }
}

function root(of: Expression, degree: Expression): Expression {
  return (place) => {
    const [value, n] = [of(place), degree(place)]
    return value < 0 && n % 2 === 1 ? -((-value) ** (1 / n)) : value ** (1 / n)
  }
}

function factorial(n: number): number {
  if (!Number.isInteger(n) || n < 0 || n > 170) return NaN
  let product = 1
  for (let factor = 2; factor <= n; factor++) product *= factor
  return product
}

function binomial(n: Expression, k: Expression): Expression {
  return (place) => factorial(n(place)) / (factorial(k(place)) * factorial(n(place) - k(place)))
}
