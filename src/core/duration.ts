import { refuseOption } from './options.ts'

const MILLISECONDS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Milliseconds, or a number with its unit: `'500ms'` `'30s'` `'15m'` `'24h'` `'7d'`. */
export type Duration = number | `${number}${keyof typeof MILLISECONDS}`

/** The longest duration, 250,000 years: from any day of today's calendars on, a `Date` holds its end. */
export const MAX_DURATION = 8e15

/**
 * The milliseconds of a {@link Duration}.
 *
 * @throws {@link SessionError} `ERR_OPTION` unless they are a whole number from 1 to 8e15, which is the
 * longest that a `Date` holds the end of
 */
export function parseDuration(name: string, duration: Duration): number {
  const milliseconds = typeof duration === 'string' ? parseText(duration) : duration
  if (!Number.isSafeInteger(milliseconds) || milliseconds <= 0 || milliseconds > MAX_DURATION) {
    const expected =
      "a whole number of milliseconds from 1 to 8e15, or a text such as '30s', '15m', '24h', '7d'"
    refuseOption(name, expected, duration)
  }
  return milliseconds
}

let hasWarnedOfTtl = false

/** The same for a ttl. Warns once, by `process.emitWarning`, of a number that was meant in seconds. */
export function parseTtl(ttl: Duration): number {
  const milliseconds = parseDuration('ttl', ttl)
  const looksLikeSeconds = typeof ttl === 'number' && ttl < 60_000 && ttl % 60 === 0
  if (looksLikeSeconds && !hasWarnedOfTtl) {
    hasWarnedOfTtl = true
    const advice = `if you meant seconds, write '${ttl}s', as in '1h' or '30m'`
    process.emitWarning(`\`ttl: ${ttl}\` is ${ttl} milliseconds: ${advice}`, 'GsessionWarning')
  }
  return milliseconds
}

/** The same for a limit that can be left out: 0 stays 0. */
export function parseDurationOrZero(name: string, duration: Duration): number {
  return duration === 0 ? 0 : parseDuration(name, duration)
}

function parseText(text: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? []
  const milliseconds = Number(amount) * MILLISECONDS[unit as keyof typeof MILLISECONDS]
  // 1.1 hours are 3960000.0000000005 in floating point.
  return Number(milliseconds.toFixed(3))
}
