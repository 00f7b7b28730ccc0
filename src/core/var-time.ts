import { parseInteger } from './var-text.ts'

const NANOSECONDS_PER_MILLISECOND = 1e6

const DATE = String.raw`(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})`
const TIME = String.raw`(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d+))?)?`
const ZONE = String.raw`(Z|[+-]\d{2}(?::?\d{2})?)`
const DATE_TIME = new RegExp(`^${DATE}(?:[T ]${TIME})?(?: ?${ZONE})?$`)

/** A whole number, or one with a fraction, which GoFrame cuts off. */
const NUMBER = /^[+-]?\d+(?:\.\d+)?$/

/** What Go writes for a `time.Time` that was never set. */
const GO_ZERO_TIME = Date.parse('0001-01-01T00:00:00Z')

/**
 * A point in time from a Unix time, as GoFrame reads it: up to 1e9 it counts seconds, a larger one
 * seconds, milliseconds, microseconds or nanoseconds by its length. 0 is no time: undefined.
 */
export function timeOfNumber(value: bigint): Date | undefined {
  if (value === 0n) return undefined
  return value <= 1_000_000_000n
    ? timeOf(Number(value) * 1000)
    : timeOf(millisecondsByLength(value))
}

/** Stretches a Unix time to the length of today's nanoseconds, and makes those milliseconds. */
function millisecondsByLength(value: bigint): number {
  let nanoseconds = value
  while (nanoseconds < 10n ** 18n) nanoseconds *= 10n
  return Number(nanoseconds / BigInt(NANOSECONDS_PER_MILLISECOND))
}

/** A point in time from a Unix time, or a date with or without time and zone (without: local). */
export function timeOfText(text: string): Date | undefined {
  if (NUMBER.test(text)) return timeOfNumber(parseInteger(text))
  const parts = DATE_TIME.exec(text)
  if (parts === null) return undefined
  const [, year, month = '', day = '', hour = '0', minute = '0', second = '0', fraction, zone] =
    parts
  const date = [year, twoDigits(month), twoDigits(day)].join('-')
  const time = [hour, minute, second].map(twoDigits).join(':')
  const iso = `${date}T${time}.${firstThreeDigits(fraction)}`
  // Date reads 31 February as 2 March, and 24:00 as the next day.
  if (new Date(`${iso}Z`).getUTCDate() !== Number(day)) return undefined
  return timeOf(Date.parse(iso + isoZone(zone)))
}

/** The point in time, or undefined for what a `Date` cannot hold and for Go's zero time. */
function timeOf(milliseconds: number): Date | undefined {
  const time = new Date(milliseconds)
  return Number.isNaN(time.getTime()) || milliseconds === GO_ZERO_TIME ? undefined : time
}

function twoDigits(number: string): string {
  return number.padStart(2, '0')
}

function firstThreeDigits(fraction = ''): string {
  return fraction.padEnd(3, '0').slice(0, 3)
}

/** A zone as `Date` reads it: `+08` and `+0800` are `+08:00`; no zone is local time. */
function isoZone(zone = ''): string {
  if (zone === '' || zone === 'Z') return zone
  const digits = zone.replace(':', '').padEnd('+0800'.length, '0')
  return `${digits.slice(0, 3)}:${digits.slice(3)}`
}

const AMOUNT = String.raw`\d+(?:\.\d*)?|\.\d+`
const UNIT = 'ns|us|µs|μs|ms|s|m|h'
const SIGN_AND_DAYS = /^[+-]?(?:(\d+)[dD])?/
/** One amount at a time: a pattern of the whole text needs a stack as long as the text. */
const AMOUNT_AND_UNIT = new RegExp(`(${AMOUNT})(${UNIT})`, 'y')

const NANOSECONDS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  // The micro sign and the Greek letter mu look the same; Go takes both.
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
}

const DAY = 86_400e9

/** The longest `time.Duration` of Go, about 292 years. */
const MAX_NANOSECONDS = 2 ** 63

/** Milliseconds of a duration that Go stored as a number: whole nanoseconds. 0 when too long for Go. */
export function durationOfNumber(nanoseconds: number): number {
  if (Math.abs(nanoseconds) >= MAX_NANOSECONDS) return 0
  return Math.round(nanoseconds) / NANOSECONDS_PER_MILLISECOND
}

/** Milliseconds of a Go duration text such as `1h30m`, `1d12h`, `-1.5s`, or of nanoseconds; else 0. */
export function durationOfText(text: string): number {
  if (NUMBER.test(text)) return durationOfNumber(Number(parseInteger(text)))
  const [start = '', days = '0'] = SIGN_AND_DAYS.exec(text) ?? []
  let nanoseconds = Number(days) * DAY
  AMOUNT_AND_UNIT.lastIndex = start.length
  while (AMOUNT_AND_UNIT.lastIndex < text.length) {
    const part = AMOUNT_AND_UNIT.exec(text)
    if (part === null) return 0
    const [, amount, unit = ''] = part
    nanoseconds += Number(amount) * (NANOSECONDS[unit] ?? 0)
  }
  // Not the negative of 0, which is a number of its own.
  return durationOfNumber(text.startsWith('-') ? 0 - nanoseconds : nanoseconds)
}
