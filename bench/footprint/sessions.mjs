// Sessions in numbers, written past the library: a million of them would take it minutes.
import { createHash } from 'node:crypto'
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { storedRecord } from './small-session.mjs'

export const DAY = 86_400_000

/** The id of a session, by its number. */
export function idOf(number) {
  return createHash('sha256').update(`session ${number}`).digest('base64url')
}

/** What a storage is handed as the id by default. */
export function atRest(id) {
  return createHash('sha256').update(id).digest('hex')
}

/** `count` ids of `total` sessions, chosen by chance. */
export function someIds(count, total) {
  return Array.from({ length: count }, () => idOf(Math.floor(Math.random() * total)))
}

/** Writes the sessions `from` to `to` as StorageFile does, last used at `usedAt` milliseconds. */
export function writeFiles(folder, from, to, usedAt) {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const header = Buffer.alloc(8)
  header.writeBigInt64LE(BigInt(usedAt))
  const bytes = Buffer.concat([header, Buffer.from(storedRecord)])
  for (let number = from; number < to; number++) {
    const path = join(folder, `${atRest(idOf(number))}.session`)
    writeFileSync(path, bytes)
    utimesSync(path, usedAt / 1000, usedAt / 1000)
  }
}
