import { SessionError } from '../core/errors.ts'

/** What may need to be saved, and again for what was changed meanwhile. */
export interface Savable {
  readonly needsSave: boolean
  save(): Promise<void>
}

/** More than a handler comes to that goes on changing its session while it is saved. */
const ROUNDS = 1_000

/**
 * Saves until nothing needs it any more.
 *
 * @throws {@link SessionError} `ERR_CONFLICT` when each of a thousand saves needs another one
 */
export async function saveAll(savable: Savable): Promise<void> {
  for (let round = 0; savable.needsSave; round++) {
    if (round === ROUNDS) {
      const message = `The session was changed anew during each of ${ROUNDS} saves`
      throw new SessionError('ERR_CONFLICT', message)
    }
    await savable.save()
  }
}
