import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { splitObject } from '../../src/core/json.ts'
import { goframeCipher } from '../../src/storages/goframe-cipher.ts'
import type { RedisServer } from '../redis/servers/index.ts'
import type { BothSides } from './both-sides.ts'

/** What stands in the storage for each key: JSON, or in a hash the text of the field. */
export async function storedTexts(
  { place, where }: BothSides,
  server: RedisServer,
  id: string,
): Promise<ReadonlyMap<string, string>> {
  if (place.kind === 'file') {
    const bytes = readFileSync(join(where, `${id}.session`)).subarray(8)
    const json = place.crypto ? goframeCipher.decrypt(bytes, Buffer.alloc(8), id) : bytes
    return splitObject(String(json))
  }
  if (place.kind === 'kv') return splitObject(String(await server.call('GET', where + id)))
  const fields = [await server.call('HGETALL', where + id)].flat()
  const texts = new Map<string, string>()
  for (let at = 0; at < fields.length; at += 2)
    texts.set(String(fields[at]), String(fields[at + 1]))
  return texts
}
