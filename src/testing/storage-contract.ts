import { absence } from './absence.ts'
import { atomicity } from './atomicity.ts'
import { faults } from './faults.ts'
import { type Test, type Tests, TimeRanAway, withFixture } from './fixture.ts'
import { identity } from './identity.ts'
import { isolation } from './isolation.ts'
import { methods } from './methods.ts'
import { sessionChanges } from './session-changes.ts'
import { sessionLife } from './session-life.ts'
import type { StorageSubject, TestFunction, TestRunner } from './storage-subject.ts'
import { time } from './time.ts'
import { values } from './values.ts'
import { watching } from './watching.ts'

const GROUPS: Readonly<Record<string, Tests>> = {
  absence,
  values,
  methods,
  time,
  isolation,
  identity,
  atomicity,
  faults,
  watching,
  'changes through a session': sessionChanges,
  'life of a session': sessionLife,
}

/** How often a test is run that was held up by something else on the machine: each time in slower time. */
const ATTEMPTS = 6

/**
 * The tests that every storage must pass: run them on yours. They cover what {@link Storage} and
 * `AtomicVerbs` say, and what sessions promise on top of it, as far as your storage can do it: a method
 * that rejects with `ErrorDisabled` is not asked for more, and a storage without the atomic verbs is
 * tested through what the library makes of its methods.
 *
 * @example
 * // my-storage.test.ts, with vitest
 * import { describe, it } from 'vitest'
 * import { storageContract } from 'gsession/testing'
 *
 * storageContract({ describe, it }, { name: 'MyStorage', open: clock => new MyStorage({ clock }) })
 *
 * @example
 * // my-storage.test.js, with node:test; the storage has a server that keeps time itself
 * import { describe, it } from 'node:test'
 * import { storageContract } from 'gsession/testing'
 *
 * storageContract({ describe, it }, {
 *   name: 'MyStorage',
 *   hasOwnClock: true,
 *   open: () => MyStorage.connect({ prefix: `test:${crypto.randomUUID()}:` }),
 *   skip: [{ test: 'keeps NUL and halves of surrogate pairs', reason: 'jsonb has no NUL' }],
 * })
 */
export function storageContract(runner: TestRunner, subject: StorageSubject): void {
  const reasons = skipReasons(subject)
  const { describe, it } = runner
  for (const [group, tests] of Object.entries(GROUPS)) {
    describe(`${subject.name}: ${group}`, () => {
      for (const [name, test] of Object.entries(tests)) {
        const reason = reasons.get(name)
        if (reason === undefined) it(name, () => runPatiently(subject, test))
        else skip(it, `${name} (${reason})`)
      }
    })
  }
}

function skipReasons(subject: StorageSubject): ReadonlyMap<string, string> {
  const names = new Set(Object.values(GROUPS).flatMap(tests => Object.keys(tests)))
  for (const { test } of subject.skip ?? []) {
    if (!names.has(test)) throw new TypeError(`The storage contract has no test named "${test}"`)
  }
  return new Map(subject.skip?.map(({ test, reason }) => [test, reason]))
}

function skip(it: TestFunction, name: string): void {
  it.skip?.(name, async () => {})
}

async function runPatiently(subject: StorageSubject, test: Test): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await withFixture(subject, test, 2 ** (attempt - 1))
    } catch (error) {
      if (!(error instanceof TimeRanAway) || attempt === ATTEMPTS) throw error
    }
  }
}
