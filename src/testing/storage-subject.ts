import type { Awaitable } from '../core/atomic-storage.ts'
import type { Clock } from '../core/clock.ts'
import type { Storage } from '../core/storage.ts'

/** The storage that is put to the test. */
export interface StorageSubject {
  /** Stands before the name of every group of tests. */
  readonly name: string

  /**
   * Opens a storage that is empty and shares nothing with any other: a folder, a prefix or a database
   * of its own. Each test asks for one or more, and tests may run side by side.
   *
   * @param clock - what time it is; the tests move it. A storage with a clock of its own ignores it,
   * and says so with `hasOwnClock`
   */
  open(clock: Clock): Awaitable<Storage>

  /**
   * Lets go of a storage that a test was done with, and of what it stored.
   *
   * @default the storage's own `close`, if it has one
   */
  close?(storage: Storage): Awaitable<void>

  /**
   * Whether time passes for the storage whatever the clock says, as in a database server. The tests
   * of time then wait for real, with a ttl of 200 ms.
   *
   * @default false
   */
  readonly hasOwnClock?: boolean

  /** Tests that this storage cannot pass, by name, each with the reason. */
  readonly skip?: readonly SkippedTest[]
}

export interface SkippedTest {
  readonly test: string
  readonly reason: string
}

/** The two functions of your test runner: those of vitest, node:test, Jest, Mocha and Bun all fit. */
export interface TestRunner {
  describe(name: string, body: () => void): unknown
  it: TestFunction
}

export interface TestFunction {
  (name: string, body: () => Promise<void>): unknown
  /** Reports a test that is left out. Without it, the test is left out in silence. */
  skip?: (name: string, body: () => Promise<void>) => unknown
}
