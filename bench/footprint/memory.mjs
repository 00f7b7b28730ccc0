// What idle sessions in StorageMemory take, against a bare Map with the same keys and records.
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeData, Manager, StorageMemory } from 'gsession'
import { asProgram, inProcess } from '../parts.mjs'
import { progress } from '../statistics.mjs'
import { atRest, idOf } from './sessions.mjs'
import { smallSession } from './small-session.mjs'

const MEGABYTE = 1_000_000
const AT_MOST = 1.3

/** Bytes of a million idle sessions (quick: 100,000), each a record of 200 bytes. */
export async function measureMemory({ quick = false } = {}) {
  const count = quick ? 100_000 : 1_000_000
  progress(`memory: ${count} sessions in a Map`)
  const map = await inProcess(import.meta.url, 'map', { count }, ['--expose-gc'])
  progress(`memory: ${count} sessions in StorageMemory`)
  const storage = await inProcess(import.meta.url, 'storage', { count }, ['--expose-gc'])
  const row = (name, of) => ({
    name: `${count} idle sessions in memory, ${name}`,
    value: storage[of] / MEGABYTE,
    unit: 'MB',
    compared: { name: 'Map<string, string>', value: map[of] / MEGABYTE },
    ratio: storage[of] / map[of],
    atMost: AT_MOST,
  })
  return [row('heap', 'heap'), row('resident', 'resident')]
}

/** A record of its own for each session, always 200 bytes long. */
function sessionOf(number) {
  return { ...smallSession, visits: 1000 + (number % 9000) }
}

async function map({ count }) {
  const before = await memory()
  const records = new Map()
  for (let n = 0; n < count; n++) records.set(atRest(idOf(n)), recordOf(n))
  const used = since(before, await memory())
  const record = records.get(atRest(idOf(count - 1)))
  if (record?.length !== 200) throw new Error('a record is not 200 bytes long')
  return used
}

/** In as few bytes as a string can have: what JSON.stringify makes takes up to a fifth more. */
function recordOf(number) {
  return Buffer.from(JSON.stringify(sessionOf(number))).toString('latin1')
}

async function storage({ count }) {
  const sessions = new StorageMemory()
  const manager = new Manager({ storage: sessions })
  const before = await memory()
  for (let n = 0; n < count; n++) {
    const session = manager.new()
    session.setId(idOf(n))
    await session.setMap(sessionOf(n))
    await session.close()
  }
  const used = since(before, await memory())
  if (sessions.size !== count) throw new Error(`expected ${count} sessions, found ${sessions.size}`)
  for (const number of [0, count >> 1, count - 1]) {
    const text = encodeData(await manager.new(idOf(number)).data())
    if (text !== JSON.stringify(sessionOf(number))) throw new Error('a wrong answer')
  }
  return used
}

/** What is in use once the garbage is gone. */
async function memory() {
  globalThis.gc()
  await sleep(100)
  globalThis.gc()
  const { rss, heapUsed, external } = process.memoryUsage()
  return { resident: rss, heap: heapUsed + external }
}

function since(before, now) {
  return { resident: now.resident - before.resident, heap: now.heap - before.heap }
}

await asProgram(import.meta.url, measureMemory, { map, storage })
