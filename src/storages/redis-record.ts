import type { EncodedData } from '../core/changes.ts'
import { formatRecord, parseRecord } from './record.ts'
import { MARK_KEY, withMarks, withoutMark } from './write-mark.ts'

/** What a text says. */
export interface Parsed {
  readonly text: string
  readonly data: EncodedData
  /** Of the writes that had to be done once. */
  readonly marks: string | undefined
}

/** `undefined` for a text that stands for no session. */
export function parse(text: string): Parsed | undefined {
  const data = parseRecord(text)
  if (data === undefined) return undefined
  const marks = data.get(MARK_KEY)?.slice(1, -1)
  return { text, data: withoutMark(data), marks }
}

/** The record of a session, and its text. */
export function recordOf(data: EncodedData, marks: string | undefined): Parsed {
  const text = formatRecord(marks === undefined ? data : withMarks(data, marks))
  return { text, data, marks }
}
