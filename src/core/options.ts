import { SessionError } from './errors.ts'

/** Refuses an option, saying what was expected and what came instead. */
export function refuseOption(name: string, expected: string, got: unknown): never {
  throw new SessionError('ERR_OPTION', `Expected \`${name}\` to be ${expected}, got ${show(got)}`)
}

/** What to write in place of options that other packages have, by their names. */
export type Advice = Readonly<Record<string, string>>

export function adviceOn(name: string, advice: Advice): string | undefined {
  return Object.hasOwn(advice, name) ? advice[name] : undefined
}

/**
 * Refuses a misspelt option: one that nobody reads would fail in silence.
 *
 * @param within - the option that holds these, if one does
 * @param advice - what is said of options that belong to other packages
 */
export function refuseUnknownOptions(
  options: object,
  known: readonly string[],
  within?: string,
  advice: Advice = {},
): void {
  const unknown = Object.keys(options).find(name => !known.includes(name))
  if (unknown === undefined) return
  const place = within === undefined ? unknown : `${within}.${unknown}`
  throw new SessionError(
    'ERR_OPTION',
    `Unknown option \`${place}\`: ${adviceOn(unknown, advice) ?? `expected one of ${known.join(', ')}`}`,
  )
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'object' && value !== null) return 'an object'
  return String(value)
}
