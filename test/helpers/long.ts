/** Whether this is the long run, `npm run test:all`. */
const IS_LONG = process.env['GSESSION_LONG'] === 'true'

/** How much, or what, is tried: all of it in the long run, and less in `npm test`, which has to be quick. */
export function inLong<T>(all: T, less: T): T {
  return IS_LONG ? all : less
}
