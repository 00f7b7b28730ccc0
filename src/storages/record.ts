import type { EncodedData } from '../core/changes.ts'
import { unreadable } from '../core/errors.ts'
import { joinObject, splitObject } from '../core/json.ts'
import type { SessionData } from '../core/storage.ts'
import { decodeMembers, encodeValue } from '../core/value.ts'

/**
 * A session's data from the text of its record: one JSON object, as GoFrame writes it. Each value
 * stays the text it is. `null` and `''` are no session, as for GoFrame.
 *
 * @throws {@link SessionError} `ERR_UNREADABLE` when it is anything else, or nested too deep
 */
export function parseRecord(text: string): EncodedData | undefined {
  if (text === '') return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw unreadable('it is not JSON')
  }
  if (value === null) return undefined
  if (typeof value !== 'object' || Array.isArray(value)) throw unreadable('it is not a JSON object')
  return splitObject(text)
}

/** The text of a session's record. */
export function formatRecord(data: EncodedData): string {
  const text = joinObject(data)
  // V8 keeps a text that was put together as a tree of its pieces, five times as large, until
  // somebody looks into it; and whoever only copies it, walks that tree each time.
  return text[0] === undefined ? '' : text
}

/** For your own storage: a session's data as JSON text, big integers included, in GoFrame's format. */
export function encodeData(data: SessionData): string {
  const members = new Map<string, string>()
  for (const [key, value] of Object.entries(data)) members.set(key, encodeValue(value, key))
  return formatRecord(members)
}

/**
 * For your own storage: the data of a text that {@link encodeData} or GoFrame made. Integers beyond
 * 2^53 - 1 come back as `bigint`.
 *
 * @throws {@link SessionError} `ERR_UNREADABLE` when the text is not JSON of an object, or a value is nested deeper than
 * 500 levels
 */
export function decodeData(text: string): SessionData {
  return decodeMembers(parseRecord(text) ?? [])
}
