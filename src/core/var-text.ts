import { decodeValue, encodeValue } from './value.ts'

/** GoFrame's words for false; every other text is true. */
const FALSE_WORDS = new Set(['', '0', 'f', 'no', 'off', 'false'])

/** Whether a text means true, as GoFrame reads it. */
export function parseBool(text: string): boolean {
  if (text === 'F') return false
  return !FALSE_WORDS.has(text === 'f' ? text : text.toLowerCase())
}

/** An integer in decimal or 0x hexadecimal, or the integer part of a decimal fraction; else 0. */
export function parseInteger(text: string): bigint {
  const [, sign, digits] = /^([+-]?)(\d+|0[xX][0-9a-fA-F]+)$/.exec(text) ?? []
  if (digits === undefined) return BigInt(Math.trunc(parseFloatExactly(text)))
  return sign === '-' ? -BigInt(trimZeros(digits)) : BigInt(trimZeros(digits))
}

/** BigInt reads decimal with leading zeros, but not the empty text that trimming could leave. */
function trimZeros(digits: string): string {
  return digits.startsWith('0x') || digits.startsWith('0X')
    ? digits
    : digits.replace(/^0+(?=\d)/, '')
}

/** A decimal number, with or without fraction and exponent; 0 when it is none or is too large. */
export function parseFloatExactly(text: string): number {
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return 0
  const value = Number(text)
  return Number.isFinite(value) ? value : 0
}

/** A number in digits only, never with an exponent. */
export function formatNumber(value: number): string {
  const text = String(value)
  const [, sign, whole = '', fraction = '', exponent] =
    /^(-?)(\d+)(?:\.(\d+))?e([+-]\d+)$/.exec(text) ?? []
  if (exponent === undefined) return text
  const shift = Number(exponent)
  const digits = whole + fraction
  return shift > 0
    ? sign + digits.padEnd(shift + 1, '0')
    : `${sign}0.${'0'.repeat(-shift - 1)}${digits}`
}

/** The value as text: itself, its digits, or its JSON. */
export function formatValue(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return value
  if (typeof value === 'number') return formatNumber(value)
  return encodeValue(value)
}

/** What a text holds if it is JSON of an object or an array, as the brackets ask; else undefined. */
export function parseNested(text: string, open: '{' | '['): unknown {
  const trimmed = text.trim()
  if (!trimmed.startsWith(open)) return undefined
  try {
    JSON.parse(trimmed)
    return decodeValue(trimmed)
  } catch {
    return undefined
  }
}
