import { checkDepth } from '../core/json.ts'
import { encodeValue } from '../core/value.ts'

/** A value as it stands in a field of a hash, and the letter that tells its type. */
export interface Field {
  readonly value: string
  readonly type: string
}

/** What a field is of which nothing is noted: GoFrame reads every field as a string. */
const STRING = ''
const NUMBER = 'n'
const BIG_INTEGER = 'i'
const BOOLEAN = 'b'
const NULL = 'z'
const JSON_TEXT = 'j'

/**
 * The field that GoFrame would write for a value: strings as they are, numbers without exponents,
 * booleans as 1 and 0, nothing for null, JSON as Go writes it for the rest.
 *
 * @param text - the value's JSON
 */
export function encodeField(text: string): Field {
  if (text === 'null') return { value: '', type: NULL }
  if (text === 'true' || text === 'false')
    return { value: text === 'true' ? '1' : '0', type: BOOLEAN }
  if (text.startsWith('"')) return encodeString(text)
  if (text.startsWith('{') || text.startsWith('[')) return { value: goJson(text), type: JSON_TEXT }
  return encodeNumber(text)
}

/** The JSON of a field's value. What does not fit its note was written by GoFrame since: a string. */
export function decodeField({ value, type }: Field): string {
  return decoders.get(type)?.(value) ?? JSON.stringify(value)
}

const decoders: ReadonlyMap<string, (value: string) => string | undefined> = new Map([
  [NUMBER, decodeNumber],
  [BIG_INTEGER, decodeInteger],
  [BOOLEAN, decodeBoolean],
  [NULL, (value: string) => (value === '' ? 'null' : undefined)],
  [JSON_TEXT, (value: string) => (isJsonText(value) ? value : undefined)],
])

/** GoFrame may have written an integer since that no `number` can hold, or a string such as 007. */
function decodeNumber(value: string): string | undefined {
  const number = Number(value)
  const isAsWritten = Number.isFinite(number) && withoutExponent(number) === value
  return isAsWritten ? encodeValue(number) : decodeInteger(value)
}

function decodeInteger(value: string): string | undefined {
  return /^(?:0|-?[1-9]\d*)$/.test(value) ? value : undefined
}

function decodeBoolean(value: string): string | undefined {
  if (value === '1') return 'true'
  return value === '0' ? 'false' : undefined
}

/** Half a surrogate pair is nothing that UTF-8 could hold: such a string stays the JSON it is. */
function encodeString(text: string): Field {
  const value: string = JSON.parse(text)
  return /\p{Surrogate}/u.test(value) ? { value: text, type: JSON_TEXT } : { value, type: STRING }
}

function encodeNumber(text: string): Field {
  if (isBigInteger(text)) return { value: text, type: BIG_INTEGER }
  return { value: withoutExponent(Number(text)), type: NUMBER }
}

function isBigInteger(text: string): boolean {
  return /^-?\d+$/.test(text) && !Number.isSafeInteger(Number(text))
}

/** The shortest decimal, as strconv.FormatFloat(f, 'f', -1, 64) has it. */
function withoutExponent(number: number): string {
  if (Object.is(number, -0)) return '-0'
  const [digits = '', exponent] = String(number).split('e')
  return exponent === undefined ? digits : shiftPoint(digits, Number(exponent))
}

function shiftPoint(digits: string, places: number): string {
  const sign = digits.startsWith('-') ? '-' : ''
  const [whole = '', fraction = ''] = digits.replace('-', '').split('.')
  const point = whole.length + places
  const all = whole + fraction
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${all}`
  return sign + all.padEnd(point, '0')
}

function isJsonText(value: string): boolean {
  if (!/^[{["]/.test(value)) return false
  try {
    JSON.parse(value)
    checkDepth(value)
    return true
  } catch {
    return false
  }
}

/** Go's encoder escapes what could end a script element, and the two line ends that JavaScript had not. */
function goJson(text: string): string {
  return text.replace(/[<>&\u2028\u2029]/g, character => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
