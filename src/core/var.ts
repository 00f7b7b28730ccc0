import { SessionError } from './errors.ts'
import type { SchemaIssue, StandardSchema } from './standard-schema.ts'
import { formatValue, parseBool, parseFloatExactly, parseInteger, parseNested } from './var-text.ts'
import { durationOfNumber, durationOfText, timeOfNumber, timeOfText } from './var-time.ts'

/**
 * One value of a session, to convert to what you need: GoFrame's `gvar.Var`. Conversions never fail:
 * what cannot be converted gives the zero value (`''`, 0, false, `undefined` for a time or a map).
 * Only `int` of something beyond 2^53 - 1 and `scan` throw. `docs/var.md` has the rules as a table.
 */
export class Var {
  readonly #value: unknown

  constructor(value: unknown) {
    this.#value = value
  }

  /** The value as it is stored, `undefined` when the key does not exist. */
  val(): unknown {
    return this.#value
  }

  /** Whether the key does not exist, or holds `null`. */
  isNil(): boolean {
    return this.#value === undefined || this.#value === null
  }

  /** Whether it is absent, `null`, `''`, 0, false, or an array or map without an element. */
  isEmpty(): boolean {
    const value = this.#value
    if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0
    return !value
  }

  /** The text itself; numbers in digits without exponent; arrays and maps as JSON; else `''`. */
  string(): string {
    return formatValue(this.#value)
  }

  /**
   * A whole number, truncated towards 0. Texts may be decimal, `0x` hexadecimal or have a fraction.
   *
   * @throws {@link SessionError} `ERR_VALUE` when a `number` cannot hold it exactly: use {@link bigint}
   */
  int(): number {
    const value = this.bigint()
    const int = Number(value)
    if (Number.isSafeInteger(int)) return int
    throw new SessionError('ERR_VALUE', 'The integer is beyond 2^53 - 1: read it with `bigint()`')
  }

  /** A whole number of any size, by the rules of {@link int}. */
  bigint(): bigint {
    const value = this.#value
    if (typeof value === 'bigint') return value
    if (typeof value === 'number') return Number.isFinite(value) ? BigInt(Math.trunc(value)) : 0n
    if (typeof value === 'string') return parseInteger(value)
    return value === true ? 1n : 0n
  }

  /** A number. Texts may have a fraction and an exponent. */
  float(): number {
    const value = this.#value
    if (typeof value === 'number') return value
    if (typeof value === 'string') return parseFloatExactly(value)
    return typeof value === 'bigint' || typeof value === 'boolean' ? Number(value) : 0
  }

  /** False for absent, `null`, 0, empty, and the texts `''` 0 f no off false (any case); else true. */
  bool(): boolean {
    return typeof this.#value === 'string' ? parseBool(this.#value) : !this.isEmpty()
  }

  /** A point in time, from RFC 3339, `2006-01-02 15:04:05` (local), or a Unix time in s, ms, us or ns. */
  time(): Date | undefined {
    const value = this.#value
    if (typeof value === 'number' || typeof value === 'bigint') return timeOfNumber(Number(value))
    return typeof value === 'string' ? timeOfText(value) : undefined
  }

  /** A duration in milliseconds, from `1h30m`, `1d12h`, or from a number of nanoseconds, as Go keeps them. */
  duration(): number {
    const value = this.#value
    if (typeof value === 'number' || typeof value === 'bigint')
      return durationOfNumber(Number(value))
    return typeof value === 'string' ? durationOfText(value) : 0
  }

  /** The map; a text that is JSON of one; an array as key, value, key, value; else `undefined`. */
  map(): Readonly<Record<string, unknown>> | undefined {
    const value = typeof this.#value === 'string' ? parseNested(this.#value, '{') : this.#value
    if (typeof value !== 'object' || value === null) return undefined
    if (!Array.isArray(value)) return value as Record<string, unknown>
    const pairs = value.flatMap((key, index) =>
      index % 2 === 0 ? [[formatValue(key), value[index + 1] ?? null] as const] : [],
    )
    return Object.fromEntries(pairs)
  }

  /** The array; a text that is JSON of one; anything else as its one element; `[]` when absent. */
  array(): readonly unknown[] {
    const value = this.#value
    if (Array.isArray(value)) return value
    if (value === undefined || value === null) return []
    const parsed = typeof value === 'string' ? parseNested(value, '[') : undefined
    return Array.isArray(parsed) ? parsed : [value]
  }

  /**
   * Bytes: of a text in the encoding it is in (Go's `[]byte` is stored as base64), of an array of
   * 0 to 255, or of the JSON of anything else.
   */
  bytes(encoding: 'utf8' | 'base64' | 'hex' = 'utf8'): Uint8Array {
    const value = this.#value
    if (Array.isArray(value) && value.every(isByte)) return Uint8Array.from(value)
    return Uint8Array.from(Buffer.from(formatValue(value), encoding))
  }

  /**
   * What a schema makes of the value: any Standard Schema, such as zod's. An absent key is
   * `undefined` to the schema, which decides whether that will do.
   *
   * @throws {@link SessionError} `ERR_VALUE` when the schema refuses the value, saying where and why
   */
  async scan<Output>(schema: StandardSchema<Output>): Promise<Output> {
    const result = await schema['~standard'].validate(this.#value)
    if (result.issues === undefined) return result.value
    const reasons = result.issues.map(describeIssue).join('; ')
    throw new SessionError(
      'ERR_VALUE',
      `The session's value is not what the schema expects: ${reasons}`,
    )
  }

  toJSON(): unknown {
    return this.#value
  }
}

function isByte(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 255
}

function describeIssue(issue: SchemaIssue): string {
  const path = (issue.path ?? []).map(step => String(typeof step === 'object' ? step.key : step))
  return path.length === 0 ? issue.message : `${path.join('.')}: ${issue.message}`
}
