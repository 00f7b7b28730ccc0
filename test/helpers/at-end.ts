import { AsyncLocalStorage } from 'node:async_hooks'
import { onTestFinished, type TestContext } from 'vitest'

type AtEnd = TestContext['onTestFinished']

/** What vitest itself does not know: which of the tests that run side by side is asking. */
const running = new AsyncLocalStorage<AtEnd>()

/** Does this when the running test is over. Of those that run side by side it must be `besideOthers`. */
export const atEnd: AtEnd = work => (running.getStore() ?? onTestFinished)(work)

/** A test among others that run at the same time: what its helpers start is stopped after it. */
export function besideOthers(test: () => Promise<void>): (context: TestContext) => Promise<void> {
  return ({ onTestFinished }) => running.run(onTestFinished, test)
}
