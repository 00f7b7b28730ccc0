import assert from 'node:assert/strict'
import type { AtomicVerbs } from '../core/atomic-storage.ts'
import type { Changes, EncodedData, KeyUpdate } from '../core/changes.ts'
import { isDisabled } from '../core/errors.ts'
import type { SessionData } from '../core/storage.ts'
import { decodeMembers, decodeValue, encodeValue } from '../core/value.ts'
import { type Fixture, HOUR, type Test } from './fixture.ts'

/** Data as the atomic verbs take it. */
export function encoded(data: SessionData): EncodedData {
  return new Map(Object.entries(data).map(([key, value]) => [key, encodeValue(value)]))
}

/** Changes as the atomic verbs take them. */
export function changes(set: SessionData, removed: string[] = [], update?: KeyUpdate): Changes {
  const recorded = { set: encoded(set), removed: new Set(removed) }
  return update === undefined ? recorded : { ...recorded, update }
}

/** An update that counts up from 0. */
export function increment(key: string): KeyUpdate {
  return { key, fn: text => String(Number(text ?? 0) + 1) }
}

/** All that a session holds according to the verbs, `undefined` when there is none. */
export async function loadAll(
  verbs: AtomicVerbs,
  id: string,
  ttl: number = HOUR,
): Promise<SessionData | undefined> {
  const loaded = await verbs.load(id, ttl)
  return loaded === undefined ? undefined : decodeMembers(loaded.data)
}

/** Checks that two things are the same data; in which order an object's keys come does not matter. */
export function assertSameData(actual: unknown, expected: unknown, message?: string): void {
  const decoded = actual === undefined ? undefined : decodeValue(encodeValue(actual))
  assert.deepEqual(decoded, decodeValue(encodeValue(expected)), message)
}

/** Checks that a method found nothing: `undefined`, `null`, 0 or no keys. */
export function assertNothing(answer: unknown, method: string): void {
  const isEmpty = typeof answer === 'object' && Object.keys(answer ?? {}).length === 0
  assert.ok(answer === undefined || answer === 0 || isEmpty, `${method} found something`)
}

/** A test of some of the eleven methods: it ends well where the storage does not offer one of them. */
export function whereOffered(test: Test): Test {
  return async (fixture: Fixture) => {
    try {
      await test(fixture)
    } catch (error) {
      if (!isDisabled(error)) throw error
    }
  }
}

/** The numbers from 0 up to, and without, the count. */
export function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}
