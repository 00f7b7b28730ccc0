import { type EncodedData, RESERVED_KEY } from '../core/changes.ts'
import { newSessionId } from '../core/session-id.ts'

/** Where a session says which write was the last one that had to be done once. */
export const MARK_KEY: string = `${RESERVED_KEY}:write`
const MARK_LENGTH = 12

/**
 * A mark for one write. Some clients send again what was under way when the connection broke, so a
 * write may find that it was done already; without a mark, an `update` would then count twice.
 */
export function newMark(): string {
  return newSessionId().slice(0, MARK_LENGTH)
}

/** The data as sessions see it. */
export function withoutMark(data: EncodedData): EncodedData {
  if (!data.has(MARK_KEY)) return data
  const shown = new Map(data)
  shown.delete(MARK_KEY)
  return shown
}
