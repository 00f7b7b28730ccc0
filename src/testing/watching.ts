import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AtomicVerbs } from '../core/atomic-storage.ts'
import { newSessionId } from '../core/session-id.ts'
import { type WatchableStorage, watchable } from '../core/session-watch.ts'
import { changes, encoded, loadAll } from './data.ts'
import { type Fixture, HOUR, type Tests } from './fixture.ts'

/** How long a storage may take to tell, in milliseconds. */
const PATIENCE = 10_000

/** For storages that offer `watch`. */
export const watching: Tests = {
  'lets a watch look when its session is removed or moves to a new id': offered(
    async ({ verbs }, storage) => {
      const [removed, moved] = [await begin(verbs), await begin(verbs)]
      const move = () => verbs.rotate(moved, newSessionId(), changes({}), HOUR, false)
      await Promise.all([
        untilGone(verbs, storage, removed, () => verbs.destroy(removed)),
        untilGone(verbs, storage, moved, move),
      ])
    },
  ),

  'leaves those alone who watch no more': offered(async ({ verbs }, storage) => {
    const id = await begin(verbs)
    let looks = 0
    const look = () => looks++
    const [stop, stopAgain] = [storage.watch(id, look), storage.watch(id, look)]
    stop()
    stopAgain()
    stop()
    const looksBefore = looks
    await verbs.destroy(id)
    await sleep(50)
    assert.equal(looks, looksBefore)
  }),

  'peeks at what is there and at nothing else': offered(async ({ verbs, time }, storage) => {
    if (storage.peek === undefined) return
    assert.equal(await storage.peek(newSessionId(), HOUR), undefined)
    const id = await begin(verbs)
    const { expiresAt = time.clock() + HOUR } = (await storage.peek(id, HOUR)) ?? assert.fail()
    assert(Math.abs(expiresAt - time.clock() - HOUR) < 60_000, 'it tells another end')
    await verbs.destroy(id)
    assert.equal(await storage.peek(id, HOUR), undefined)
  }),
}

function offered(
  test: (fixture: Fixture, storage: WatchableStorage) => Promise<void>,
): (fixture: Fixture) => Promise<void> {
  return async fixture => {
    const storage = watchable(fixture.storage)
    if (storage !== undefined) await test(fixture, storage)
  }
}

async function begin(verbs: AtomicVerbs): Promise<string> {
  const id = newSessionId()
  await verbs.create(id, encoded({ a: 1 }), HOUR)
  return id
}

/** Ends a session, and waits until who was let look has found it gone. */
async function untilGone(
  verbs: AtomicVerbs,
  storage: WatchableStorage,
  id: string,
  end: () => unknown,
): Promise<void> {
  let isSeen = false
  const look = async (): Promise<void> => {
    isSeen ||= (await loadAll(verbs, id)) === undefined
  }
  const stop = storage.watch(id, () => void look().catch(() => undefined))
  await end()
  const last = performance.now() + PATIENCE
  while (!isSeen && performance.now() < last) await sleep(5)
  stop()
  assert(isSeen, 'nobody was let look')
}
