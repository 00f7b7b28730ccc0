import type { Duration } from './core/duration.ts'
import type { ManagerOptions } from './core/manager.ts'
import { refuseOption, refuseUnknownOptions } from './core/options.ts'
import type { HttpSessionOptions } from './http/options.ts'
import type { StorageFileOptions } from './storages/file.ts'

export interface GoFrameOptions {
  /** What Go has as `SessionMaxAge`; it must be the same there. @default '24h' */
  ttl?: Duration
  /** What Go has as `SessionIdName`: the name of the cookie, and of the header. @default 'gfsessionid' */
  name?: string
  /**
   * What Go's Redis storages were given as prefix. They have none by default, and then a cookie can name
   * any key of the database: so none is assumed here, and the Redis storages refuse to do without.
   */
  prefix?: string
  /** Go's folder of session files. @default '/tmp/gsessions/default', that of a ghttp server */
  path?: string
  /** Whether Go has `SetCryptoEnabled(true)`: its cipher, whose key is public. @default false */
  crypto?: boolean
}

/** Options for each part that a GoFrame program shares sessions with. */
export interface GoFramePreset {
  /** For `Manager`, beside the storage. */
  readonly manager: { readonly ttl: Duration; readonly idAtRest: 'plain' }
  /** For `StorageFile`. */
  readonly file: Pick<StorageFileOptions, 'encryption'> & { readonly path: string }
  /** For `StorageRedis` and `StorageRedisHashTable`, beside the client. */
  readonly redis: { readonly prefix?: string; readonly idAtRest: 'plain' }
  /** For every adapter. */
  readonly http: { readonly name: string; readonly header: string }
}

/** One that knows the prefix of Go's Redis storages, which they take no preset without. */
export interface GoFrameRedisPreset extends GoFramePreset {
  readonly redis: { readonly prefix: string; readonly idAtRest: 'plain' }
}

const OPTIONS = ['ttl', 'name', 'prefix', 'path', 'crypto'] as const
const DEFAULT_PATH = '/tmp/gsessions/default'

/**
 * The options with which this library and GoFrame v2.1 or newer share live sessions.
 *
 * @throws {@link SessionError} `ERR_OPTION` for an option that is not known, or a `crypto` that is no
 * boolean; the parts check what they are given
 */
export function goframe(options: GoFrameOptions & { prefix: string }): GoFrameRedisPreset
export function goframe(options?: GoFrameOptions): GoFramePreset
export function goframe(options: GoFrameOptions = {}): GoFramePreset {
  refuseUnknownOptions(options, OPTIONS)
  const { ttl = '24h', name = 'gfsessionid', prefix, path = DEFAULT_PATH } = options
  const { crypto = false } = options
  if (typeof crypto !== 'boolean') refuseOption('crypto', 'true or false', crypto)
  return {
    manager: { ttl, idAtRest: 'plain' },
    file: { path, ...(crypto && { encryption: { insecureGoFrame: true } }) },
    redis: { ...(prefix !== undefined && { prefix }), idAtRest: 'plain' },
    http: { name, header: name },
  } satisfies GoFramePreset & { manager: ManagerOptions; http: HttpSessionOptions }
}
