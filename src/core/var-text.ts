import { decodeValue, encodeValue } from './value.ts'

/** GoFrame's words for false; every other text is true. */
const FALSE_WORDS = new Set(['', '0', 'f', 'no', 'off', 'false'])

/** Whether a text means true, as GoFrame reads it. */
export function parseBool(text: string): boolean {
  return !FALSE_WORDS.has(text.toLowerCase())
}

/** An integer in decimal or 0x hexadecimal, or the whole part of a decimal number; else 0. */
export function parseInteger(text: string): bigint {
  const [, sign, digits] = /^([+-]?)(\d+|0[xX][\da-fA-F]+)$/.exec(text) ?? []
  if (digits === undefined) return BigInt(Math.trunc(parseDecimal(text)))
  const magnitude = BigInt(digits)
  return sign === '-' ? -magnitude : magnitude
}

/** A decimal number, with or without fraction and exponent; 0 when it is none or is too large. */
export function parseDecimal(text: string): number {
  const isDecimal = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)
  return isDecimal ? finiteOrZero(Number(text)) : 0
}

/** The number itself, or 0 for one that is too large: what GoFrame makes of it. */
export function finiteOrZero(value: number): number {
  return Number.isFinite(value) ? value : 0
}

/** The value as text: itself, its digits, or its JSON; `''` for an absent value and `null`. */
export function formatValue(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return value
  if (typeof value === 'number') return formatNumber(value)
  return encodeValue(value)
}

/** A number in digits only: JavaScript writes an exponent from 1e21 on and below 1e-6. */
function formatNumber(value: number): string {
  const [mantissa = '', exponent] = String(value).split('e')
  if (exponent === undefined) return mantissa
  const sign = value < 0 ? '-' : ''
  const digits = mantissa.replace(/[-.]/g, '')
  const shift = Number(exponent)
  return shift > 0
    ? sign + digits.padEnd(shift + 1, '0')
    : `${sign}0.${'0'.repeat(-shift - 1)}${digits}`
}

/**
 * What a text holds if it is the JSON of an object or an array, as the bracket asks; else undefined.
 * It is undefined too for what no session could keep, such as something nested too deep.
 */
export function parseNested(text: string, open: '{' | '['): unknown {
  const trimmed = text.trim()
  if (!trimmed.startsWith(open)) return undefined
  try {
    // The text may be anybody's: `decodeValue` wants valid JSON that is not nested too deep.
    encodeValue(JSON.parse(trimmed))
    return decodeValue(trimmed)
  } catch {
    return undefined
  }
}
