// Operations of a session on each storage, one after another, in one process: microseconds each.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Manager, newSessionId, StorageFile, StorageMemory } from 'gsession'
import { sampleSession } from './sample.mjs'
import { median, progress, spread } from './statistics.mjs'

const SESSIONS = 256

export async function benchStorages({ rounds, quick }) {
  const folder = mkdtempSync(join(tmpdir(), 'gsession-bench-'))
  const subjects = [
    { name: 'memory', storage: new StorageMemory(), times: quick ? 5000 : 20_000 },
    { name: 'file', storage: new StorageFile({ path: folder }), times: quick ? 500 : 2000 },
  ]
  const rows = [await core(rounds)]
  try {
    for (const subject of subjects) rows.push(...(await operations(subject, rounds)))
  } finally {
    for (const { storage } of subjects) await storage.close()
    rmSync(folder, { recursive: true, force: true })
  }
  return rows
}

function core(rounds) {
  return measure('make an id', rounds, 50_000, () => newSessionId())
}

async function operations({ name, storage, times }, rounds) {
  const manager = new Manager({ storage })
  const ids = await Promise.all(Array.from({ length: SESSIONS }, () => begin(manager)))
  const idOf = number => ids[number % SESSIONS]
  const probe = await manager.new(idOf(0)).get('name')
  if (probe !== sampleSession.name) throw new Error('a wrong answer')
  return [
    await measure(`${name}: get one key`, rounds, times, n => manager.new(idOf(n)).get('name')),
    await measure(`${name}: data`, rounds, times, n => manager.new(idOf(n)).data()),
    await measure(`${name}: set and close`, rounds, times, async n => {
      const session = manager.new(idOf(n))
      await session.set('visits', n)
      await session.close()
    }),
    await measure(`${name}: update`, rounds, times, n =>
      manager.new(idOf(n)).update('visits', (visits = 0) => visits + 1),
    ),
    await measure(`${name}: begin and remove`, rounds, times >> 1, async () => {
      await manager.new(await begin(manager)).removeAll()
    }),
  ]
}

async function begin(manager) {
  const session = manager.new()
  await session.setMap(sampleSession)
  await session.close()
  return session.id()
}

async function measure(name, rounds, times, work) {
  const samples = []
  for (let round = 0; round <= rounds; round++) {
    progress(`storages, ${name}: round ${round} of ${rounds}`)
    const start = performance.now()
    for (let n = 0; n < times; n++) await work(n)
    // The first round warms up.
    if (round > 0) samples.push(((performance.now() - start) * 1000) / times)
  }
  return { operation: name, microseconds: median(samples), spread: spread(samples) }
}
