// What every subject shares: the answer, the data of a session, how long it lives.
import { largeSession, sampleSession } from '../sample.mjs'

export { largeSession, sampleSession }

/** What a right answer holds. */
export const ANSWER = 'x'.repeat(32)
export const WRONG = 'wrong'
export const NO_VALUE = 'none'

/** How long a session lives, for gsession and for every peer: a day. */
export const TTL_SECONDS = 86_400
export const TTL_MILLISECONDS = TTL_SECONDS * 1000

/** For those that sign or encrypt. A benchmark has no secrets. */
export const SECRET = 'a secret of the benchmark, which is longer than 32 bytes'

/** The answer to a read: whether the session is the one that the login began. */
export function answerTo(name) {
  return name === sampleSession.name ? ANSWER : WRONG
}

/** The answer to a question for the number that was written, for the checks. */
export function textOf(number) {
  return String(number ?? NO_VALUE)
}

/** Numbers for the writes, each another, so that no storage can find that nothing has changed. */
export function counter() {
  let count = 0
  return () => ++count
}

/** The key and the value that a connection writes where 64 of them share one session. */
export function contended(headers) {
  return [headers['x-key'], Number(headers['x-value'])]
}

/** The session id in a visitor's cookie, for what is written by hand. */
export function idOfVisitor(request) {
  return /sid=([^;]+)/.exec(request.headers.cookie)?.[1]
}
