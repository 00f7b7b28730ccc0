const NANOSECONDS_IN_MILLISECOND = 1e6
const DATE_TIME =
  /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d+))?)?)?\s*(Z|[+-]\d{2}:?\d{2})?$/

/**
 * A point in time from a number, or a text with one: up to 1e9 it counts seconds; a larger one
 * counts seconds, milliseconds, microseconds or nanoseconds by its length, as in GoFrame.
 */
export function timeOfNumber(value: number): Date {
  let amount = Math.abs(value)
  if (amount <= 1e9) return new Date(value * 1000)
  while (amount < 1e18) amount *= 10
  return new Date(Math.sign(value) * Math.floor(amount / NANOSECONDS_IN_MILLISECOND))
}

/** A point in time from a date with or without time and zone (without: local), else undefined. */
export function timeOfText(text: string): Date | undefined {
  if (/^[+-]?\d+(?:\.\d+)?$/.test(text)) return timeOfNumber(Number(text))
  const parts = DATE_TIME.exec(text.trim())
  if (parts === null) return undefined
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone] = parts
  const milliseconds = Number(fraction.padEnd(3, '0').slice(0, 3))
  const fields = [
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
    milliseconds,
  ] as const
  const time =
    zone === undefined ? new Date(...fields) : new Date(Date.UTC(...fields) - zoneOffset(zone))
  return Number.isNaN(time.getTime()) ? undefined : time
}

function zoneOffset(zone: string): number {
  if (zone === 'Z') return 0
  const [, sign, hours, minutes] = /^([+-])(\d{2}):?(\d{2})$/.exec(zone) ?? []
  const offset = (Number(hours) * 60 + Number(minutes)) * 60_000
  return sign === '-' ? -offset : offset
}

const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** Milliseconds of a Go duration text such as `1h30m`, `1d12h`, `-1.5s`; else 0. */
export function durationOfText(text: string): number {
  if (/^[+-]?\d+(?:\.\d+)?$/.test(text)) return durationOfNumber(Number(text))
  if (!/^[+-]?(?:\d+d)?(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))*$/.test(text)) return 0
  let total = 0
  for (const [, amount, unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d)/g)) {
    total += Number(amount) * (UNITS[unit] ?? 0)
  }
  return text.startsWith('-') ? -total : total
}

/** Milliseconds of a duration that Go stored as a number: nanoseconds. */
export function durationOfNumber(nanoseconds: number): number {
  return nanoseconds / NANOSECONDS_IN_MILLISECOND
}
