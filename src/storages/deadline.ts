import { runLater } from '../core/clock.ts'
import { storageError } from '../core/errors.ts'

/**
 * What the work answers, or an error when that takes longer. The work itself cannot be stopped.
 *
 * @throws {@link SessionError} `ERR_STORAGE` when the time is over
 */
export function within<T>(milliseconds: number, who: string, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = runLater(() => {
      reject(storageError(new Error(`${who} did not answer within ${milliseconds} ms`)))
    }, milliseconds)
    work.then(
      result => {
        clearTimeout(timer)
        resolve(result)
      },
      error => {
        clearTimeout(timer)
        reject(error)
      },
    )
  })
}
