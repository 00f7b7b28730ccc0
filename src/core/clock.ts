/** Tells the time in milliseconds since 1970. `Date.now` by default; tests pass their own. */
export type Clock = () => number

/** The longest wait that a Node timer can hold; a longer one would fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1

/** Calls `work` once after `delay` milliseconds, without keeping the process alive for it. */
export function runLater(work: () => void, delay: number): NodeJS.Timeout {
  return setTimeout(work, Math.min(delay, LONGEST_TIMER)).unref()
}
