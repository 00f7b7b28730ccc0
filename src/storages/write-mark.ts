import { type EncodedData, RESERVED_KEY } from '../core/changes.ts'
import { newSessionId } from '../core/session-id.ts'
import { sha1 } from '../core/sha1.ts'

/** Where a session says which writes that had to be done once were done last: one of each writer. */
export const MARK_KEY: string = `${RESERVED_KEY}:write`
/** How many writers a session knows. */
const WRITERS = 8
export const WRITER_LENGTH = 6
const MARK_LENGTH = 12
/** The marks with spaces between them. */
export const MARKS_LENGTH: number = WRITERS * (MARK_LENGTH + 1) - 1

/** A storage as one that writes. */
export function newWriter(): string {
  return hex(WRITER_LENGTH)
}

/**
 * A mark for one write. Some clients send again what was under way when the connection broke, so a
 * write may find that it was done already; without a mark, an `update` would then count twice.
 */
export function newMark(writer: string): string {
  return writer + hex(MARK_LENGTH - WRITER_LENGTH)
}

/** Whether the write with this mark was done. */
export function isMarked(marks: string | undefined, mark: string): boolean {
  return marks?.includes(mark) ?? false
}

/** The marks with a new one in place of the writer's last one. Those that are oldest go. */
export function addMark(marks: string | undefined, mark: string): string {
  const writer = mark.slice(0, WRITER_LENGTH)
  const others = (marks ?? '').split(' ').filter(each => each !== '' && !each.startsWith(writer))
  return [...others, mark].slice(-WRITERS).join(' ')
}

/** The same where no mark is a change without one. */
export function marksWith(marks: string | undefined, mark: string | undefined): string | undefined {
  return mark === undefined ? marks : addMark(marks, mark)
}

/** The data as they are stored. */
export function withMarks(data: EncodedData, marks: string): EncodedData {
  return new Map(data).set(MARK_KEY, `"${marks}"`)
}

/** The data as sessions see it. */
export function withoutMark(data: EncodedData): EncodedData {
  if (!data.has(MARK_KEY)) return data
  const shown = new Map(data)
  shown.delete(MARK_KEY)
  return shown
}

/** Random, and without anything that means more than itself in a pattern. */
function hex(length: number): string {
  return sha1(newSessionId()).slice(0, length)
}
