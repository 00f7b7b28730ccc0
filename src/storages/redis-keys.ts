import { SessionError } from '../core/errors.ts'
import { memoize } from '../core/memoize.ts'
import { isSessionId } from '../core/session-id.ts'

/** The SHA-256 of an id, an id that this library makes, one that GoFrame makes. */
const MADE_ID = /^(?:[0-9a-f]{64}|[A-Za-z0-9_-]{43}|[0-9a-z]{32})$/

/**
 * The keys of sessions. With plain ids a cookie names the key, and so perhaps a key of somebody else:
 * `users` under no prefix, `app:config` under `app:`.
 */
export class SessionKeys {
  /** Whether what makes no sense is a damaged session. Without a prefix it may be anybody's. */
  readonly arePrefixed: boolean
  readonly #prefix: string
  readonly #keyOf: (id: string) => string

  constructor(prefix: string) {
    this.#prefix = prefix
    this.arePrefixed = prefix !== ''
    this.#keyOf = memoize(id => {
      if (!isSessionId(id)) throw new SessionError('ERR_ID', 'Expected a session id')
      return prefix + id
    })
  }

  /** @throws {@link SessionError} `ERR_ID` for what is no id */
  of(id: string): string {
    return this.#keyOf(id)
  }

  /**
   * The key for a session that begins.
   *
   * @throws {@link SessionError} `ERR_ID` for an id under which no session would be found
   */
  ofNew(id: string): string {
    const redisKey = this.#keyOf(id)
    if (this.canBeOurs(redisKey)) return redisKey
    const ids = 'ids that this library or GoFrame made'
    throw new SessionError('ERR_ID', `Without a prefix only ${ids} are session ids`)
  }

  /** Whether nobody else has a key there: under a prefix, an id that was made can be no other name. */
  isOurs(redisKey: string): boolean {
    return this.arePrefixed && this.#isMade(redisKey)
  }

  /** Whether a session can be there at all. Without a prefix any other id may be anybody's key. */
  canBeOurs(redisKey: string): boolean {
    return this.arePrefixed || this.#isMade(redisKey)
  }

  #isMade(redisKey: string): boolean {
    return MADE_ID.test(redisKey.slice(this.#prefix.length))
  }
}
