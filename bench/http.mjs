// Requests per second over node:http, each case in turn, against the same server without sessions.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import autocannon from 'autocannon'
import { startRedis } from './redis-server.mjs'
import { median, progress, spread } from './statistics.mjs'

/** Each case, its storage, the case that it is compared with, and the ratio that it shall reach. */
const CASES = [
  { name: 'bare', storage: 'memory', against: 'bare' },
  { name: 'untouched', storage: 'memory', against: 'bare', toReach: 0.97 },
  { name: 'read', storage: 'memory', against: 'bare', toReach: 0.9 },
  { name: 'read', storage: 'file', against: 'bare', toReach: 0.75 },
  { name: 'write', storage: 'memory', against: 'bare' },
  { name: 'write + rename', storage: 'file', against: 'write + rename' },
  { name: 'write', storage: 'file', against: 'write + rename', toReach: 0.7 },
  { name: 'GET by hand', storage: 'redis', against: 'GET by hand' },
  { name: 'read', storage: 'redis', against: 'GET by hand', toReach: 0.9 },
  { name: 'read', storage: 'redis hash', against: 'GET by hand' },
  { name: 'read', storage: 'redis, cached', against: 'bare', toReach: 0.75 },
  { name: 'GET + SET by hand', storage: 'redis', against: 'GET + SET by hand' },
  { name: 'write', storage: 'redis', against: 'GET + SET by hand', toReach: 0.85 },
  { name: 'write', storage: 'redis hash', against: 'GET + SET by hand' },
  { name: 'bare Express', storage: 'redis', against: 'bare Express' },
  { name: 'read, express-session', storage: 'redis', against: 'read, express-session' },
  {
    name: 'read, gsession in Express',
    storage: 'redis',
    against: 'read, express-session',
    toReach: 1.3,
  },
  { name: 'write, express-session', storage: 'redis', against: 'write, express-session' },
  {
    name: 'write, gsession in Express',
    storage: 'redis',
    against: 'write, express-session',
    toReach: 1,
  },
]
const CONNECTIONS = 32
const server = fileURLToPath(new URL('./http-server.mjs', import.meta.url))
/** With two cores the server has one for itself, and the load, a process of its own, the other. */
const canPin = existsSync('/usr/bin/taskset')
const pinning = canPin
  ? { execPath: '/usr/bin/taskset', execArgv: ['-c', '0', process.execPath] }
  : {}

/** Requests per second of each case, in turn, round by round. */
export async function benchHttp({ rounds, seconds }) {
  const redis = await startRedis(command =>
    canPin ? ['/usr/bin/taskset', '-c', '0', ...command] : command,
  )
  const servers = await Promise.all(CASES.map(one => startServer(one, redis.url)))
  try {
    for (const one of servers) await load(one, 1)
    for (let round = 0; round < rounds; round++) {
      for (const one of servers) {
        progress(`http, round ${round + 1} of ${rounds}: ${one.name}, ${one.storage}`)
        one.samples.push(await load(one, seconds))
      }
    }
  } finally {
    for (const one of servers) one.child.disconnect()
    redis.stop()
  }
  return servers.map(one =>
    summarize(
      one,
      servers.find(other => other.name === one.against),
    ),
  )
}

function summarize(one, other) {
  const perSecond = one.samples.map(sample => sample.perSecond)
  const cpu = median(one.samples.map(sample => sample.cpu))
  return {
    case: ['bare', 'untouched', 'bare Express'].includes(one.name)
      ? one.name
      : `${one.name}, ${one.storage}`,
    requestsPerSecond: Math.round(median(perSecond)),
    spread: spread(perSecond),
    against: one.against,
    ratio: median(
      one.samples.map((sample, round) => sample.perSecond / other.samples[round].perSecond),
    ),
    toReach: one.toReach ?? null,
    cpuMicroseconds: cpu,
    cpuRatio: median(other.samples.map(sample => sample.cpu)) / cpu,
    p99Milliseconds: median(one.samples.map(sample => sample.p99)),
  }
}

async function startServer(one, redisUrl) {
  const url = one.storage.startsWith('redis') ? [redisUrl] : []
  const child = fork(server, [one.name, one.storage, ...url], pinning)
  const [{ port, ids }] = await once(child, 'message')
  return { ...one, child, port, ids, samples: [] }
}

async function load(one, seconds) {
  const requests = one.ids.map(id => ({ path: '/', headers: { cookie: `theme=dark; sid=${id}` } }))
  const before = await cpuOf(one.child)
  const result = await autocannon({
    url: `http://127.0.0.1:${one.port}`,
    connections: CONNECTIONS,
    duration: seconds,
    requests,
  })
  const after = await cpuOf(one.child)
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${one.name}: a wrong answer`)
  const used = after.user + after.system - before.user - before.system
  return {
    perSecond: result['2xx'] / result.duration,
    cpu: used / result['2xx'],
    p99: result.latency.p99,
  }
}

async function cpuOf(child) {
  child.send('cpu')
  const [{ cpu }] = await once(child, 'message')
  return cpu
}
