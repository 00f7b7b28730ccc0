import { SessionError } from './errors.ts'

/** Refuses an option, saying what was expected and what came instead. */
export function refuseOption(name: string, expected: string, got: unknown): never {
  throw new SessionError('ERR_OPTION', `Expected \`${name}\` to be ${expected}, got ${show(got)}`)
}

/** Refuses a misspelt option: one that nobody reads would fail in silence. */
export function refuseUnknownOptions(options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) refuseOption(name, `one of ${known.join(', ')}`, 'an unknown option')
  }
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'object' && value !== null) return 'an object'
  return String(value)
}
