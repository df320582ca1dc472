/** Numbers that options take. */
import { InvalidArgumentError } from 'commander'

/** From 1 up to `most`. */
export const countUpTo =
  (most: number) =>
  (text: string): number => {
    const count = wholeNumber(text)
    if (count > most) throw new InvalidArgumentError(`It must be at most ${most}.`)
    return count
  }

export function wholeNumber(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('It must be a whole number above 0.')
  return Number(text)
}

export function temperatureNumber(text: string): number {
  const temperature = Number(text)
  if (text.trim() === '' || !(temperature > 0 && temperature <= 2)) {
    throw new InvalidArgumentError('It must be a number above 0, and at most 2.')
  }
  return temperature
}
