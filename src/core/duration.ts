import { refuseOption } from './options.ts'

const MILLISECONDS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Milliseconds, or a number with its unit: `'500ms'` `'30s'` `'15m'` `'24h'` `'7d'`. */
export type Duration = number | `${number}${keyof typeof MILLISECONDS}`

/**
 * The milliseconds of a {@link Duration}.
 *
 * @throws {@link SessionError} `ERR_OPTION` unless they are a whole number above 0
 */
export function parseDuration(name: string, duration: Duration): number {
  const milliseconds = typeof duration === 'string' ? parseText(duration) : duration
  if (!Number.isSafeInteger(milliseconds) || milliseconds <= 0) {
    const expected =
      "a whole number of milliseconds above 0, or a text such as '30s', '15m', '24h', '7d'"
    refuseOption(name, expected, duration)
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
