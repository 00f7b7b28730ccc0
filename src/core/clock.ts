import timers from 'node:timers'

/** Tells the time in milliseconds since 1970. `Date.now` by default; tests pass their own. */
export type Clock = () => number

/** The default clock. It asks `Date` at each call: tests replace it, before or after they import this. */
export const systemClock: Clock = () => Date.now()

/** The longest wait that a Node timer can hold; a longer one would fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1

/**
 * Node's own, whatever the environment of a browser puts in the place of the global ones, and as they
 * were at import: what a request waits for goes on while a test holds the time.
 */
const { setImmediate, setTimeout } = timers
const { performance } = globalThis

/** A function of Node's; if it was a fake at import, which may be over since, the one of now. */
function real<Name extends 'setImmediate' | 'setTimeout'>(
  name: Name,
  atImport: (typeof timers)[Name],
): (typeof timers)[Name] {
  return 'clock' in atImport ? timers[name] : atImport
}

/** Calls `work` once after `delay` milliseconds, without keeping the process alive for it. */
export function runLater(work: () => void, delay: number): NodeJS.Timeout {
  const timer = real('setTimeout', setTimeout)(work, Math.min(delay, LONGEST_TIMER))
  // A fake may answer a number.
  timer.unref?.()
  return timer
}

/** Ends a timer, if it is one, whatever clears timers by now: fakes know their own alone. */
export function stopTimer(timer: NodeJS.Timeout | undefined): void {
  if (typeof timer?.close === 'function') timer.close()
  else timers.clearTimeout(timer)
}

/** Calls `work` in the next turn of the event loop. */
export function runNextTurn(work: () => void): void {
  real('setImmediate', setImmediate)(work)
}

/** Waits for the next turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise(runNextTurn)
}

/** Waits, and keeps the process alive for it unless told otherwise. */
export function pause(milliseconds: number, keepsAlive = true): Promise<void> {
  return new Promise(resolve => {
    const timer = real('setTimeout', setTimeout)(resolve, milliseconds)
    if (!keepsAlive) timer.unref?.()
  })
}

/** Milliseconds since some moment, by a clock that nobody sets and no test holds. */
export function monotonicTime(): number {
  return performance.now()
}
