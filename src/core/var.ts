import { SessionError } from './errors.ts'
import type { SchemaIssue, StandardSchema } from './standard-schema.ts'
import { setOwn } from './value.ts'
import {
  finiteOrZero,
  formatValue,
  parseBool,
  parseDecimal,
  parseInteger,
  parseNested,
} from './var-text.ts'
import { durationOfNumber, durationOfText, timeOfNumber, timeOfText } from './var-time.ts'

/**
 * One value of a session, to convert to what you need: GoFrame's `gvar.Var`. What cannot be
 * converted gives the zero value (`''`, 0, false, `undefined` for a time or a map) and no error; the
 * few conversions that can fail say so. `docs/var.md` has the rules as a table.
 */
export class Var {
  readonly #value: unknown

  /** @param value a value as a session returns it; `undefined` when the key does not exist */
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

  /**
   * The text itself; the digits of a number, never with an exponent; `'true'` or `'false'`; the JSON
   * of an array or map; `''` when absent or `null`.
   *
   * @throws {@link SessionError} `ERR_VALUE` for what is nested deeper than 500 levels
   */
  string(): string {
    return formatValue(this.#value)
  }

  /**
   * A whole number, cut off towards 0; 0 when there is none. Texts may be decimal, `0x` hexadecimal,
   * or have a fraction or an exponent; true is 1.
   *
   * @throws {@link SessionError} `ERR_VALUE` beyond 2^53 - 1 in size: use {@link bigint}
   */
  int(): number {
    const int = Number(this.bigint())
    if (Number.isSafeInteger(int)) return int
    throw new SessionError('ERR_VALUE', 'The integer is beyond 2^53 - 1: read it with `bigint()`')
  }

  /** A whole number of any size, by the rules of {@link int}. */
  bigint(): bigint {
    const value = this.#value
    if (typeof value === 'bigint') return value
    if (typeof value === 'number') return BigInt(Math.trunc(finiteOrZero(value)))
    if (typeof value === 'string') return parseInteger(value)
    return value === true ? 1n : 0n
  }

  /** A number; 0 when there is none, or one too large. Texts may have a fraction and an exponent. */
  float(): number {
    const value = this.#value
    if (typeof value === 'string') return parseDecimal(value)
    return isNumber(value) || typeof value === 'boolean' ? finiteOrZero(Number(value)) : 0
  }

  /** False when {@link isEmpty}, and for the texts 0 f no off false in any case; else true. */
  bool(): boolean {
    return typeof this.#value === 'string' ? parseBool(this.#value) : !this.isEmpty()
  }

  /**
   * A point in time, from RFC 3339, from `2006-01-02 15:04:05` (local), or from a Unix time, whose
   * size tells whether it is in s, ms, us or ns; `undefined` when it is none. 0 and Go's zero time
   * are none.
   */
  time(): Date | undefined {
    const value = this.#value
    if (typeof value === 'string') return timeOfText(value)
    return isNumber(value) ? timeOfNumber(this.bigint()) : undefined
  }

  /**
   * A duration in milliseconds, from `1h30m` or `1d12h`, or from a number of nanoseconds, as Go keeps
   * durations; 0 when it is none.
   */
  duration(): number {
    const value = this.#value
    if (typeof value === 'string') return durationOfText(value)
    return isNumber(value) ? durationOfNumber(Number(this.bigint())) : 0
  }

  /**
   * The map; the map in a text that is the JSON of one; an array as a map of key, value, key, value;
   * else `undefined`.
   */
  map(): Readonly<Record<string, unknown>> | undefined {
    const value = typeof this.#value === 'string' ? parseNested(this.#value, '{') : this.#value
    if (Array.isArray(value)) return mapOfPairs(value)
    return typeof value === 'object' && value !== null
      ? (value as Record<string, unknown>)
      : undefined
  }

  /**
   * The array; the array in a text that is the JSON of one; anything else as its one element; `[]`
   * when absent or `null`.
   */
  array(): readonly unknown[] {
    if (this.isNil()) return []
    const value = this.#value
    const array = typeof value === 'string' ? parseNested(value, '[') : value
    return Array.isArray(array) ? array : [value]
  }

  /**
   * Bytes: of a text in the encoding you name (Go's `[]byte` is stored as base64), of an array of
   * whole numbers from 0 to 255, else of what {@link string} gives, in UTF-8.
   *
   * @throws {@link SessionError} `ERR_VALUE` for what is nested deeper than 500 levels
   */
  bytes(encoding: 'utf8' | 'base64' | 'hex' = 'utf8'): Uint8Array {
    const value = this.#value
    if (Array.isArray(value) && value.every(isByte)) return Uint8Array.from(value)
    // A copy: a small Buffer is a piece of Node's pool, which its `buffer` would give away.
    return typeof value === 'string'
      ? Uint8Array.from(Buffer.from(value, encoding))
      : Uint8Array.from(Buffer.from(this.string()))
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

  /** The value itself, for `JSON.stringify`, which refuses a `bigint` here as everywhere. */
  toJSON(): unknown {
    return this.#value
  }
}

function isNumber(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint'
}

/** A map of an array that lists key, value, key, value; a last key without value gets `null`. */
function mapOfPairs(array: readonly unknown[]): Record<string, unknown> {
  const map: Record<string, unknown> = {}
  for (let index = 0; index < array.length; index += 2) {
    setOwn(map, formatValue(array[index]), array[index + 1] ?? null)
  }
  return map
}

function isByte(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 255
}

function describeIssue(issue: SchemaIssue): string {
  const path = (issue.path ?? []).map(step => String(typeof step === 'object' ? step.key : step))
  return path.length === 0 ? issue.message : `${path.join('.')}: ${issue.message}`
}
