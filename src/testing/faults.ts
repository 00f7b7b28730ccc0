import assert from 'node:assert/strict'
import { isAtomicStorage } from '../core/atomic-storage.ts'
import { hasCode } from '../core/errors.ts'
import { newSessionId } from '../core/session-id.ts'
import { changes, encoded } from './data.ts'
import { HOUR, type Tests } from './fixture.ts'

export const faults: Tests = {
  'says that it is closed after it was closed': async ({ storage, verbs, time }) => {
    if (storage.close === undefined) return
    const id = newSessionId()
    await verbs.create(id, encoded({ a: 1 }), HOUR)
    await storage.close()
    const uses: Record<string, () => unknown> = {
      load: () => verbs.load(id, HOUR),
      create: () => verbs.create(newSessionId(), encoded({ a: 1 }), HOUR),
      merge: () => verbs.merge(id, changes({ b: 2 }), HOUR),
      refresh: () => verbs.refresh(new Map([[id, time.clock()]]), HOUR),
      destroy: () => verbs.destroy(id),
      rotate: () => verbs.rotate(id, newSessionId(), changes({}), HOUR, false),
    }
    for (const [name, use] of Object.entries(uses)) {
      // Without the verbs, a storage that does not offer a method has nothing to say about it.
      if (!isAtomicStorage(storage) && name === 'refresh') continue
      await assert.rejects(async () => use(), isClosed, name)
    }
  },

  'can be closed twice, and before it was used': async ({ storage }) => {
    await storage.close?.()
    await storage.close?.()
  },

  'closes while it is used': async ({ storage, verbs }) => {
    if (storage.close === undefined) return
    const id = newSessionId()
    await verbs.create(id, encoded({ a: 1 }), HOUR)
    const merging = Promise.resolve(verbs.merge(id, changes({ b: 2 }), HOUR))
    const [merged] = await Promise.allSettled([merging, storage.close()])
    assert.ok(merged.status === 'fulfilled' || isClosed(merged.reason), 'merge failed otherwise')
  },
}

function isClosed(error: unknown): boolean {
  return hasCode(error, 'ERR_CLOSED')
}
