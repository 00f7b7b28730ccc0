import { SessionError } from './errors.ts'
import { MAX_DEPTH, replaceLongIntegers } from './json.ts'
import { newSessionId } from './session-id.ts'
import { placeOf } from './value-place.ts'

const QUOTE = 34

/**
 * The JSON text of a value.
 *
 * Takes `null`, booleans, finite numbers, strings, `bigint`, arrays and plain objects of these. A
 * property that is `undefined` is left out, as `JSON.stringify` does.
 *
 * @param key - what the value is stored under
 * @throws {@link SessionError} `ERR_VALUE` for everything else, naming where it stands
 */
export function encodeValue(value: unknown, key?: string): string {
  const path = key === undefined ? [] : [key]
  if (!isPlainJson(value, 0)) return encode(value, path, [])
  try {
    return JSON.stringify(value)
  } catch {
    return refuse(path, 'longer than the longest string')
  }
}

/** Whether `JSON.stringify` writes it as it shall be written, as it does most values, in less than half the time. */
function isPlainJson(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true
    case 'number':
      return Number.isInteger(value)
        ? Number.isSafeInteger(value) && !Object.is(value, -0)
        : Number.isFinite(value)
    case 'object':
      return value === null || (depth < MAX_DEPTH && holdsPlainJson(value, depth + 1))
    default:
      return false
  }
}

function holdsPlainJson(value: object, depth: number): boolean {
  if ('toJSON' in value) return false
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      if (!isPlainJson(value[index], depth)) return false
    }
    return true
  }
  if (!isPlainObject(value)) return false
  for (const member of Object.values(value)) {
    if (member !== undefined && !isPlainJson(member, depth)) return false
  }
  return true
}

function encode(value: unknown, path: (string | number)[], ancestors: object[]): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'number':
      return encodeNumber(value, path)
    case 'boolean':
    case 'bigint':
      return String(value)
    case 'object':
      return value === null ? 'null' : encodeObject(value, path, ancestors)
    default:
      return refuse(
        path,
        value === undefined ? 'undefined (use `remove` to remove a key)' : `a ${typeof value}`,
      )
  }
}

function encodeNumber(value: number, path: (string | number)[]): string {
  if (!Number.isFinite(value)) refuse(path, String(value))
  if (Object.is(value, -0)) return '-0'
  const text = String(value)
  // Without a fraction it would read as a big integer and come back as a bigint.
  const readsAsBigInteger = !Number.isSafeInteger(value) && /^-?\d+$/.test(text)
  return readsAsBigInteger ? `${text}.0` : text
}

function encodeObject(value: object, path: (string | number)[], ancestors: object[]): string {
  if (ancestors.includes(value)) refuse(path, 'a reference to something that contains it')
  if (ancestors.length === MAX_DEPTH) refuse(path, `nested deeper than ${MAX_DEPTH} levels`)
  ancestors.push(value)
  const text = Array.isArray(value)
    ? encodeArray(value, path, ancestors)
    : encodePlainObject(value, path, ancestors)
  ancestors.pop()
  return text
}

function encodeArray(
  value: readonly unknown[],
  path: (string | number)[],
  ancestors: object[],
): string {
  const parts: string[] = []
  for (let index = 0; index < value.length; index++) {
    path.push(index)
    parts.push(encode(value[index], path, ancestors))
    path.pop()
  }
  return `[${parts.join(',')}]`
}

function encodePlainObject(value: object, path: (string | number)[], ancestors: object[]): string {
  if (!isPlainObject(value)) refuse(path, describeInstance(value))
  const parts: string[] = []
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined) continue
    path.push(key)
    parts.push(`${JSON.stringify(key)}:${encode(member, path, ancestors)}`)
    path.pop()
  }
  return `{${parts.join(',')}}`
}

/** Whether an object is `{...}` of this realm or another (a vm context, a test runner's). */
function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

const HINTS: Readonly<Record<string, string>> = {
  '[object Date]': ' (store its toISOString() or getTime() instead)',
  '[object Map]': ' (store Object.fromEntries(map) instead)',
  '[object Set]': ' (store [...set] instead)',
  '[object Promise]': ' (await it first)',
  '[object Uint8Array]': ' (store its base64 instead)',
}

function describeInstance(value: object): string {
  const name: unknown = value.constructor?.name
  // By what it is, not by `instanceof`: there are other realms.
  const hint = HINTS[Object.prototype.toString.call(value)] ?? ''
  return `an instance of ${typeof name === 'string' && name !== '' ? name : 'a class'}${hint}`
}

function refuse(path: readonly (string | number)[], got: string): never {
  const place = path.length === 0 ? 'the value' : `\`${placeOf(path)}\``
  const expected = 'null, booleans, finite numbers, strings, bigint, arrays and plain objects'
  throw new SessionError('ERR_VALUE', `A session keeps ${expected}, but ${place} is ${got}`)
}

/**
 * The value of a JSON text, as a new object that nobody else holds. Integers that a `number` cannot
 * hold exactly come back as `bigint`; every other number is a `number`.
 *
 * The text must be valid JSON.
 */
export function decodeValue(text: string): unknown {
  if (text.charCodeAt(0) === QUOTE && !text.includes('\\')) return text.slice(1, -1)
  // Only a run of 16 digits can be an integer beyond 2^53; everything else is for the native parser.
  if (!/\d{16}/.test(text)) return JSON.parse(text)
  mark ??= `${newSessionId()}:`
  return unmarked(JSON.parse(replaceLongIntegers(text, markBigInteger)), mark)
}

/**
 * Stands before an integer that waits to become a bigint. Chance, so that no text begins with it; made
 * when it is first needed, since importing the library draws no random bytes.
 */
let mark: string | undefined

function markBigInteger(digits: string): string {
  return Number.isSafeInteger(Number(digits)) ? digits : `"${mark}${digits}"`
}

/** Puts the bigints in. Without recursion, and not as a reviver, which `JSON.parse` calls recursively. */
function unmarked(parsed: unknown, prefix: string): unknown {
  const root = { parsed }
  const waiting: object[] = [root]
  for (let holder = waiting.pop(); holder !== undefined; holder = waiting.pop()) {
    const members = holder as Record<string, unknown>
    for (const key of Object.keys(members)) {
      const member = members[key]
      if (typeof member === 'object' && member !== null) waiting.push(member)
      else if (typeof member === 'string' && member.startsWith(prefix)) {
        members[key] = BigInt(member.slice(prefix.length))
      }
    }
  }
  return root.parsed
}

/** A plain object with these members decoded. `__proto__` becomes a property like any other. */
export function decodeMembers(
  members: Iterable<readonly [string, string]>,
): Record<string, unknown> {
  const object: Record<string, unknown> = {}
  for (const [key, text] of members) setOwn(object, key, decodeValue(text))
  return object
}

/** Sets an own property of that very name, where `object['__proto__'] = ...` would not. */
export function setOwn(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') object[key] = value
  else
    Object.defineProperty(object, key, {
      value,
      configurable: true,
      enumerable: true,
      writable: true,
    })
}
