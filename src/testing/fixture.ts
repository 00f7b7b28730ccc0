import { atomicVerbsOf } from '../core/adapt-storage.ts'
import type { AtomicVerbs } from '../core/atomic-storage.ts'
import { Manager } from '../core/manager.ts'
import type { Storage } from '../core/storage.ts'
import type { StorageSubject } from './storage-subject.ts'
import { withoutClose } from './storage-views.ts'
import { movableTime, realTime, type TestTime } from './test-time.ts'

/** One test of the contract. */
export type Test = (fixture: Fixture) => Promise<void>

/** The tests of one theme, by name. */
export type Tests = Readonly<Record<string, Test>>

/** Long enough that nothing expires in a test that is not about time. */
export const HOUR = 3_600_000

/** What a test is given: a storage of its own, and time that it can let pass. */
export interface Fixture {
  readonly storage: Storage
  /** What sessions ask of the storage: its own atomic verbs, or its eleven methods in their place. */
  readonly verbs: AtomicVerbs
  readonly time: TestTime
  /** Another storage, which must know nothing of the first. */
  openStorage(): Promise<Storage>
  /** A manager of the storage, which leaves it open when it is closed. */
  openManager(options?: { ttl?: number; storage?: Storage }): Manager
}

/** Runs a test with a fixture of its own, where real time is so much slower, and lets go of all that it opened. */
export async function withFixture(
  subject: StorageSubject,
  test: Test,
  slower: number,
): Promise<void> {
  const time = subject.hasOwnClock === true ? realTime(slower) : movableTime()
  const storages: Storage[] = []
  const managers: Manager[] = []
  const openStorage = async (): Promise<Storage> => {
    const storage = await subject.open(time.clock)
    storages.push(storage)
    return storage
  }
  try {
    const storage = await openStorage()
    const openManager: Fixture['openManager'] = options => {
      const opened = withoutClose(options?.storage ?? storage)
      const manager = new Manager({ ttl: options?.ttl ?? HOUR, storage: opened, clock: time.clock })
      managers.push(manager)
      return manager
    }
    await test({ storage, verbs: atomicVerbsOf(storage), time, openStorage, openManager })
  } catch (error) {
    throw time.ranAway ? new TimeRanAway(error) : error
  } finally {
    for (const manager of managers) await manager.close()
    for (const storage of storages) await closeStorage(subject, storage)
  }
}

/** A test failed, but only after its process had been held up for too long to say anything. */
export class TimeRanAway extends Error {
  constructor(cause: unknown) {
    super('The test was held up, so that sessions expired before their time', { cause })
  }
}

async function closeStorage(subject: StorageSubject, storage: Storage): Promise<void> {
  if (subject.close === undefined) await storage.close?.()
  else await subject.close(storage)
}
