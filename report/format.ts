import type { Estimate } from './estimates.ts'

/** How numbers are written, the same everywhere. A thin space stands between a number and its unit. */
const THIN = '\u202f'
export const MISSING = '–'

export const percent = (share: number | null, digits = 1): string =>
  share === null ? MISSING : `${(share * 100).toFixed(digits)}${THIN}%`

/** `+12.3 points`, for the difference of two shares. */
export const points = (difference: number): string => `${signed(difference * 100, 1)} points`

/** What is zero as it is written is +0. */
export function signed(value: number, digits: number): string {
  const written = Math.abs(value).toFixed(digits)
  return `${value < 0 && Number(written) > 0 ? '−' : '+'}${written}`
}

export const interval = ({ low, high }: Estimate, digits = 1): string =>
  `${(low * 100).toFixed(digits)}–${(high * 100).toFixed(digits)}`

/** 12,345 */
export const whole = (value: number): string => Math.round(value).toLocaleString('en-US')

/** 950, 12.3k, 4.56M: for tokens. */
export function short(value: number): string {
  if (value < 1000) return String(Math.round(value))
  const [unit, size] = value < 1e6 ? ['k', 1e3] : ['M', 1e6]
  return `${(value / Number(size)).toPrecision(3)}${unit}`
}

/** 0.9 s, 42 s, 3 min 05 s, 2 h 07 min. */
export function duration(seconds: number | null): string {
  if (seconds === null) return MISSING
  if (seconds < 9.95) return `${seconds.toFixed(1)}${THIN}s`
  const total = Math.round(seconds)
  const two = (value: number): string => String(value).padStart(2, '0')
  if (total < 60) return `${total}${THIN}s`
  if (total < 3600) return `${Math.floor(total / 60)}${THIN}min ${two(total % 60)}${THIN}s`
  return `${Math.floor(total / 3600)}${THIN}h ${two(Math.floor((total % 3600) / 60))}${THIN}min`
}

/** Three digits that mean something: 0.00123, 1.23, 123. */
export function digits(value: number): string {
  if (value === 0) return '0'
  const size = Math.abs(value)
  const written =
    size >= 1e5 || size < 1e-3 ? size.toExponential(1) : size >= 100 ? size.toFixed(0) : size.toPrecision(3)
  return value < 0 ? `−${written}` : written
}

export const instant = (date: Date): string => `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`

export const bytes = (count: number): string =>
  count < 1e6 ? `${(count / 1e3).toPrecision(3)}${THIN}kB` : `${(count / 1e6).toPrecision(3)}${THIN}MB`

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${whole(count)} ${count === 1 ? one : many}`
