import { hash, randomFillSync } from 'node:crypto'
import { memoize } from './memoize.ts'

const ID_BYTES = 32
const POOL_IDS = 128

/** Made when the first id is: importing the library has no effect. */
let pool: Buffer | undefined
let next = 0

/**
 * A new session id: 32 bytes from the system's secure random source as 43 characters of base64url.
 * It holds nothing but chance: no time, no host, no counter (OWASP ASVS 7.2.3 asks for 16 bytes).
 */
export function newSessionId(): string {
  if (pool === undefined || next === pool.length) {
    pool ??= Buffer.allocUnsafeSlow(ID_BYTES * POOL_IDS)
    randomFillSync(pool)
    next = 0
  }
  const id = pool.toString('base64url', next, next + ID_BYTES)
  // A dump of this process must not show ids that are already in use.
  pool.fill(0, next, next + ID_BYTES)
  next += ID_BYTES
  return id
}

const SHAPE = /^[A-Za-z0-9_-]{1,128}$/

/**
 * Whether something has the shape of an id: 1 to 128 of the characters A-Z a-z 0-9 _ -. What has
 * not never reaches a storage, so no id can name a path, a pattern or another key.
 */
export function isSessionId(id: unknown): id is string {
  return typeof id === 'string' && SHAPE.test(id)
}

/**
 * The SHA-256 of an id in hexadecimal: one spelling only, even on disks that ignore case. Remembered,
 * since hashing takes a good part of a read from memory.
 */
export const hashSessionId: (id: string) => string = memoize(id => hash('sha256', id, 'hex'))
