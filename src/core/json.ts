import { unreadable } from './errors.ts'
import { memoize } from './memoize.ts'

const QUOTE = 34
const BACKSLASH = 92
const OPEN_BRACE = 123
const CLOSE_BRACE = 125
const OPEN_BRACKET = 91
const CLOSE_BRACKET = 93
const COMMA = 44
const SPACE = 32
const MINUS = 45
const DIGIT_0 = 48
const DIGIT_9 = 57

/**
 * How deep a session's value may be nested: enough for any data, and far below what GoFrame's decoder
 * (10,000) and the stack can take.
 */
export const MAX_DEPTH = 500

/** An integer with fewer characters is one that a `number` holds exactly. */
const LONG_INTEGER = 16

/**
 * The members of a JSON object, each value as the text that stands there. Keeping the text is what
 * keeps a number's literal (1.0, 1265476890672672808) when other keys change.
 *
 * The text must be valid JSON of an object; only the depth is checked here.
 *
 * @throws {@link SessionError} `ERR_UNREADABLE` when a value is nested deeper than {@link MAX_DEPTH}
 */
export function splitObject(text: string): Map<string, string> {
  const members = new Map<string, string>()
  let at = skipBlank(text, text.indexOf('{') + 1)
  while (text.charCodeAt(at) !== CLOSE_BRACE) {
    const keyEnd = endOfString(text, at)
    const key = decodeString(text, at, keyEnd)
    const start = skipBlank(text, skipBlank(text, keyEnd) + 1)
    const end = endOfValue(text, start)
    members.set(key, text.slice(start, end))
    at = skipComma(text, end)
  }
  return members
}

/** The JSON object that has these members: the inverse of {@link splitObject}. */
export function joinObject(members: ReadonlyMap<string, string>): string {
  let list = ''
  for (const [key, text] of members) {
    list += list === '' ? `${quote(key)}:${text}` : `,${quote(key)}:${text}`
  }
  return `{${list}}`
}

/** Sessions of one application have the same few keys. */
const quote: (key: string) => string = memoize(key => JSON.stringify(key))

/**
 * Throws as {@link splitObject} does when a value is nested too deep.
 *
 * @param text - valid JSON
 */
export function checkDepth(text: string): void {
  endOfValue(text, skipBlank(text, 0))
}

/**
 * The JSON with each integer of 16 or more characters replaced. Goes through the text without a regular
 * expression: one that knows strings needs a stack as long as the text.
 */
export function replaceLongIntegers(text: string, replace: (digits: string) => string): string {
  const parts: string[] = []
  let copied = 0
  let at = 0
  while (at < text.length) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) at = endOfString(text, at)
    else if (code === MINUS || isDigit(code)) {
      const end = endOfValue(text, at)
      if (end - at >= LONG_INTEGER && isInteger(text, at, end)) {
        parts.push(text.slice(copied, at), replace(text.slice(at, end)))
        copied = end
      }
      at = end
    } else at++
  }
  parts.push(text.slice(copied))
  return parts.join('')
}

function isDigit(code: number): boolean {
  return code >= DIGIT_0 && code <= DIGIT_9
}

/** Whether a number has neither a fraction nor an exponent. */
function isInteger(text: string, start: number, end: number): boolean {
  for (let at = start + 1; at < end; at++) if (!isDigit(text.charCodeAt(at))) return false
  return true
}

function skipBlank(text: string, start: number): number {
  let at = start
  while (text.charCodeAt(at) <= SPACE) at++
  return at
}

function skipComma(text: string, end: number): number {
  const at = skipBlank(text, end)
  return text.charCodeAt(at) === COMMA ? skipBlank(text, at + 1) : at
}

function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end + 1
}

function isEscaped(text: string, quote: number): boolean {
  let backslashes = 0
  while (text.charCodeAt(quote - 1 - backslashes) === BACKSLASH) backslashes++
  return backslashes % 2 === 1
}

function decodeString(text: string, start: number, end: number): string {
  const plain = text.slice(start + 1, end - 1)
  return plain.includes('\\') ? JSON.parse(text.slice(start, end)) : plain
}

function endOfValue(text: string, start: number): number {
  const first = text.charCodeAt(start)
  if (first === QUOTE) return endOfString(text, start)
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return endOfNested(text, start)
  let end = start
  while (!endsScalar(text.charCodeAt(end))) end++
  return end
}

function endsScalar(code: number): boolean {
  return code === COMMA || code === CLOSE_BRACE || code === CLOSE_BRACKET || !(code > SPACE)
}

function endOfNested(text: string, start: number): number {
  let depth = 0
  let at = start
  do {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      at = endOfString(text, at)
      continue
    }
    if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      if (++depth > MAX_DEPTH) throw unreadable(`it is nested deeper than ${MAX_DEPTH} levels`)
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth--
    at++
  } while (depth > 0)
  return at
}
