// What the benchmark shall show: ratios between things that ran in turn in this run.
import { ratio } from './throughput.mjs'

const MAIN = { bytes: 700, connections: 32 }
const FRAMEWORKS = ['node:http', 'Express', 'Fastify', 'Koa', 'Hono']

/** A row of the throughput, by what names it. */
export function findRow(rows, wanted) {
  const asked = Object.entries({ ...MAIN, ...wanted })
  return rows.find(row => asked.every(([key, value]) => row[key] === value))
}

/** Each target: what it says, the least or the most that is to be reached, and what was. Those not measured are left out. */
export function targetsOf(results) {
  return [...throughputTargets(results.throughput.rows), ...otherTargets(results)].filter(
    ({ reached }) => reached !== undefined,
  )
}

function throughputTargets(rows) {
  const ours = (framework, storage, name) =>
    findRow(rows, { subject: 'ours', framework, storage, case: name })
  const bare = framework => findRow(rows, { subject: 'bare', framework, case: 'bare' })
  const against = (one, other) => one && other && ratio(one, other)
  const limit = (subject, storage, name) =>
    findRow(rows, { subject, framework: 'node:http', storage, case: name })
  const peer = (subject, storage, name) =>
    findRow(rows, { subject, framework: 'Express', storage, case: name })
  const get = limit('GET by hand', 'redis', 'read')
  const getSet = limit('GET + SET by hand', 'redis', 'write')
  const rename = limit('write + rename', 'file', 'write')
  const fileStore = name => peer('express-session, session-file-store', 'file', name)
  const connectRedis = name => peer('express-session, connect-redis', 'redis', name)
  return [
    ...FRAMEWORKS.map(framework => ({
      text: `untouched, ${framework}, of the bare framework`,
      atLeast: 0.97,
      reached: against(ours(framework, 'memory', 'untouched'), bare(framework)),
    })),
    ...FRAMEWORKS.map(framework => ({
      text: `read, memory, ${framework}, of the bare framework`,
      atLeast: framework === 'Express' ? 0.95 : 0.9,
      reached: against(ours(framework, 'memory', 'read'), bare(framework)),
    })),
    {
      text: 'read, file, of bare node:http',
      atLeast: 0.75,
      reached: against(ours('node:http', 'file', 'read'), bare('node:http')),
    },
    {
      text: 'read, file, Express, of session-file-store',
      atLeast: 3,
      reached: against(ours('Express', 'file', 'read'), fileStore('read')),
    },
    {
      text: 'write, file, of write + rename',
      atLeast: 0.7,
      reached: against(ours('node:http', 'file', 'write'), rename),
    },
    {
      text: 'write, file, Express, of session-file-store',
      atLeast: 3,
      reached: against(ours('Express', 'file', 'write'), fileStore('write')),
    },
    {
      text: 'write, file: event-loop delay, p99, in ms',
      atMost: 5,
      reached: ours('node:http', 'file', 'write')?.eventLoopP99Milliseconds,
    },
    {
      text: 'read, Redis string, of a GET by hand',
      atLeast: 0.9,
      reached: against(ours('node:http', 'redis', 'read'), get),
    },
    {
      text: 'read, Redis string, Express, of connect-redis',
      atLeast: 1.3,
      reached: against(ours('Express', 'redis', 'read'), connectRedis('read')),
    },
    {
      text: 'read, Redis string: round trips per request',
      atMost: 1,
      reached: ours('node:http', 'redis', 'read')?.roundTrips,
    },
    {
      text: 'read, Redis string with the cache, of bare node:http',
      atLeast: 0.75,
      reached: against(ours('node:http', 'redis cached', 'read'), bare('node:http')),
    },
    {
      text: 'write, Redis string, of GET + SET by hand',
      atLeast: 0.85,
      reached: against(ours('node:http', 'redis', 'write'), getSet),
    },
    {
      text: 'write, Redis string, Express, of connect-redis',
      atLeast: 1,
      reached: against(ours('Express', 'redis', 'write'), connectRedis('write')),
    },
    ...['redis', 'redis hash'].map(storage => ({
      text: `64 connections write to one session, ${storage === 'redis' ? 'Redis string' : 'Redis hash'}, of 64 sessions`,
      atLeast: 0.5,
      reached: contention(rows, storage),
    })),
  ]
}

function contention(rows, storage) {
  const [one, many] = ['contention, one session', 'contention, 64 sessions'].map(name =>
    findRow(rows, {
      ...{ subject: 'ours', framework: 'node:http', storage, case: name },
      connections: 64,
    }),
  )
  return one && many && ratio(one, many)
}

/** Ours against each peer of the same framework and storage, in each case that both can do. */
export function aheadOfPeers(rows) {
  return rows
    .filter(row => row.kind === 'theirs')
    .map(row => {
      const { framework, bytes, connections } = row
      const storage = row.storage === 'cookie' ? 'memory' : row.storage
      const ours = findRow(rows, {
        ...{ subject: 'ours', framework, storage, case: row.case, bytes, connections },
      })
      return ours && { row, ratio: ratio(ours, row) }
    })
    .filter(Boolean)
}

/** What a request costs with the most sessions, of what it costs with the fewest. */
function growthTargets(rows) {
  const limited = rows.filter(row => row.atMost !== undefined)
  const last = new Map(limited.map(row => [row.what, row]))
  return [...last.values()].map(({ what, sessions, atMost, ratio }) => ({
    text: `${what}: cost with ${sessions.toLocaleString('en-US')} sessions, of that with 1,000`,
    atMost,
    reached: ratio,
  }))
}

function otherTargets({ footprint, goFrame }) {
  const { memory, growth } = footprint
  return [
    ...(memory?.rows ?? []).map(row => ({
      ...{ text: `${row.name}, of a bare Map`, atMost: row.atMost, reached: row.ratio },
    })),
    ...growthTargets(growth?.rows ?? []),
    ...goFrame.rows
      .filter(row => row.toReach !== null && row.cores === 'one core' && row.parallel === 32)
      .map(row => ({
        text: `${row.operation}, ${row.storage}, per CPU second, of GoFrame in Go`,
        atLeast: row.toReach,
        reached: row.cpuRatio,
      })),
  ]
}
