// What a read and a write cost as sessions grow in number, on each storage, chosen by chance among all.
import { once } from 'node:events'
import { becomeIdle } from '../idle.mjs'
import { asProgram, inProcess, openPart } from '../parts.mjs'
import { AS_IF_IN_USE, pinned, startLoad } from '../processes.mjs'
import { startRedis } from '../redis-server.mjs'
import { median, progress, spread } from '../statistics.mjs'
import { tempFolder } from '../temp-folder.mjs'
import { sampleRequests } from './growth-requests.mjs'
import { EXPECTED, FILLERS, SUBJECTS } from './growth-subjects.mjs'
import { atRest, someIds } from './sessions.mjs'

/** Each kind of store: what is measured on it, who fills it, and how many operations are a sample. */
const STORES = {
  memory: { subjects: ['memory', 'map'], times: { read: 20_000, write: 20_000 } },
  file: {
    subjects: ['file', 'file, one cached', 'file by hand'],
    filler: 'file',
    times: { read: 5000, write: 1000 },
  },
  kv: { subjects: ['kv', 'kv by hand'], filler: 'kv', times: { read: 3000, write: 2000 } },
  hash: { subjects: ['hash', 'hash by hand'], filler: 'hash', times: { read: 3000, write: 2000 } },
}
const BY_HAND = { memory: 'map', file: 'file by hand', kv: 'kv by hand', hash: 'hash by hand' }
/** The cost of a request is to stay flat within this, from the fewest sessions to the most. */
const AT_MOST = 1.2
const REQUESTS = ['read', 'write']
/** That of the servers, and of their Redis; the load has another. */
const CORE = 0

/**
 * Microseconds of `get`, of `set` + `close` and of refreshing a ttl, one after another, and of requests
 * that read and write, 32 at a time; with 1,000 to 1,000,000 sessions (quick: 100,000), each size with
 * processes, a folder and a Redis of its own, the sizes in turn. Ratios are to the fewest.
 */
export async function measureGrowth({ quick = false, names = Object.keys(STORES) } = {}) {
  const counts = quick ? [1000, 10_000, 100_000] : [1000, 10_000, 100_000, 1_000_000]
  const rows = []
  for (const store of names) {
    const { subjects, filler, times } = STORES[store]
    const plan = quick
      ? { rounds: 3, times: { read: times.read / 5, write: times.write / 5 } }
      : { rounds: 7, times }
    rows.push(...(await measureStore({ store, subjects, filler, counts, ...plan })))
  }
  return rows
}

async function measureStore({ store, subjects, filler, times, counts, rounds }) {
  const open = []
  const cases = []
  try {
    for (const count of counts) {
      progress(`growth, ${store}: ${count} sessions are stored`)
      const place = await openPlace(filler)
      open.push(place)
      if (filler) await inProcess(import.meta.url, 'fill', { filler, count, ...place.options })
      for (const subject of subjects) {
        const options = { subject, count, ...place.options }
        const part = openPart(import.meta.url, 'operate', options, AS_IF_IN_USE, CORE)
        open.push(part)
        cases.push({ subject, count, part, url: await part.next(), samples: [], requests: [] })
      }
    }
    await sampleOperations(cases, { store, times, rounds })
    await sampleAllRequests(cases, { store, rounds })
  } finally {
    progress(`growth, ${store}: what was stored is removed`)
    for (const each of open.reverse()) await each.close()
  }
  const [fewest] = counts
  const ownCases = cases.filter(({ subject }) => subject !== BY_HAND[store])
  return [
    ...REQUESTS.flatMap(path => requestRows(path, cases, { fewest, store })),
    ...operationRows('read', cases, fewest),
    ...operationRows('write', cases, fewest),
    ...operationRows('refresh', ownCases, fewest),
  ]
}

/** The first round warms up. */
async function sampleOperations(cases, { store, times, rounds }) {
  for (let round = 0; round <= rounds; round++) {
    progress(`growth, ${store}: operations, round ${round} of ${rounds}`)
    for (const each of cases) {
      const sample = await each.part.ask({ times })
      if (round > 0) each.samples.push(sample)
    }
  }
}

/** The first round warms up. */
async function sampleAllRequests(cases, { store, rounds }) {
  const load = startLoad()
  try {
    for (let round = 0; round <= rounds; round++) {
      progress(`growth, ${store}: requests, round ${round} of ${rounds}`)
      for (const { part, url, count, requests } of cases) {
        const sample = {}
        for (const path of REQUESTS) {
          sample[path] = await sampleRequests(load, { url, path, count })
          await part.ask('become idle')
        }
        if (round > 0) requests.push(sample)
      }
    }
  } finally {
    await load.stop()
  }
}

/** A folder or a Redis, for the stores that are outside of the process. */
async function openPlace(filler) {
  if (filler === undefined) return { options: {}, close: () => undefined }
  if (filler === 'file') {
    const { folder, remove } = tempFolder('growth')
    return { options: { folder }, close: remove }
  }
  const redis = await startRedis(command => pinned(CORE, command))
  return { options: { url: redis.url }, close: () => redis.stop() }
}

function requestRows(path, cases, { fewest, store }) {
  return cases.map(each => ({
    ...rowOf(`request that ${path}s`, each, {
      ...{ cases, fewest },
      valuesOf: ({ requests }) => requests.map(sample => sample[path]),
    }),
    ...(each.subject === store && { atMost: AT_MOST }),
  }))
}

function operationRows(operation, cases, fewest) {
  return cases.map(each => {
    const measured =
      what =>
      ({ samples }) =>
        samples.map(sample => sample[operation][what])
    const { value: cpu, ratio: cpuRatio } = rowOf(operation, each, {
      ...{ cases, fewest },
      valuesOf: measured('cpu'),
    })
    return {
      ...rowOf(operation, each, { cases, fewest, valuesOf: measured('wall') }),
      cpu,
      cpuRatio,
    }
  })
}

/** What a case cost, beside the case of the same subject that has the fewest sessions. */
function rowOf(what, each, { cases, fewest, valuesOf }) {
  const { subject, count } = each
  const first = cases.find(other => other.subject === subject && other.count === fewest)
  const value = median(valuesOf(each))
  const compared = median(valuesOf(first))
  return {
    name: `${what}, ${subject}, ${count} sessions`,
    what: `${what}, ${subject}`,
    sessions: count,
    value,
    unit: 'µs',
    spread: spread(valuesOf(each)),
    compared: { name: `${fewest} sessions`, value: compared },
    ratio: value / compared,
  }
}

async function fill({ filler, ...options }) {
  await FILLERS[filler](options)
}

async function operate({ subject, count, ...place }, listen) {
  const { server, read, write, refresh, close } = await SUBJECTS[subject]({ count, ...place })
  const [id] = someIds(1, count)
  await write(id, 77)
  if ((await read(id)) !== EXPECTED) throw new Error(`${subject}: a wrong answer`)
  const measure = async ({ times }) => {
    const toRead = someIds(times.read, count)
    const toWrite = someIds(times.write, count)
    const accessedAt = new Map(toWrite.map(each => [atRest(each), Date.now() + 1000]))
    return {
      read: await timed(times.read, () => inTurn(toRead, read, EXPECTED)),
      write: await timed(times.write, () => inTurn(toWrite, write, undefined)),
      ...(refresh && { refresh: await timed(accessedAt.size, () => refresh(accessedAt)) }),
    }
  }
  listen(order => (order === 'become idle' ? becomeIdle() : measure(order)), close)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${server.address().port}`
}

/** One after another; the answers are checked here too. */
async function inTurn(ids, work, expected) {
  for (let n = 0; n < ids.length; n++) {
    if ((await work(ids[n], n)) !== expected) throw new Error('a wrong answer')
  }
}

/** Microseconds of each of so many operations, and those of this process's CPU. */
async function timed(times, work) {
  const start = performance.now()
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return { wall: ((performance.now() - start) * 1000) / times, cpu: (user + system) / times }
}

await asProgram(import.meta.url, measureGrowth, { fill, operate })
