// Requests per second over node:http, each case in turn, against the same server without sessions.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import autocannon from 'autocannon'
import { median, progress, spread } from './statistics.mjs'

const CASES = [
  ['bare', 'memory'],
  ['untouched', 'memory'],
  ['read', 'memory'],
  ['read', 'file'],
  ['write', 'memory'],
  ['write', 'file'],
]
const CONNECTIONS = 32
const server = fileURLToPath(new URL('./http-server.mjs', import.meta.url))
// With two cores or more the server has one for itself, so that the load does not take its time.
const pinning = existsSync('/usr/bin/taskset')
  ? { execPath: '/usr/bin/taskset', execArgv: ['-c', '0', process.execPath] }
  : {}

export async function benchHttp({ rounds, seconds }) {
  const servers = await Promise.all(CASES.map(startServer))
  const samples = servers.map(() => [])
  try {
    for (const one of servers) await load(one, 1)
    for (let round = 0; round < rounds; round++) {
      for (const [index, one] of servers.entries()) {
        progress(`http round ${round + 1}/${rounds}: ${one.name}`)
        samples[index].push(await load(one, seconds))
      }
    }
  } finally {
    for (const one of servers) one.child.disconnect()
  }
  const bare = median(samples[0].map(sample => sample.perSecond))
  const bareCpu = median(samples[0].map(sample => sample.cpu))
  return servers.map((one, index) => {
    const perSecond = samples[index].map(sample => sample.perSecond)
    const cpu = median(samples[index].map(sample => sample.cpu))
    return {
      case: one.name,
      requestsPerSecond: Math.round(median(perSecond)),
      spread: spread(perSecond),
      ratio: median(
        samples[index].map((sample, round) => sample.perSecond / samples[0][round].perSecond),
      ),
      cpuMicrosecondsPerRequest: cpu,
      cpuRatio: bareCpu / cpu,
      p99Milliseconds: median(samples[index].map(sample => sample.p99)),
      bare,
    }
  })
}

async function startServer([name, storage]) {
  const child = fork(server, [name, storage], pinning)
  const [{ port, ids }] = await once(child, 'message')
  return {
    name: name === 'bare' || name === 'untouched' ? name : `${name}, ${storage}`,
    child,
    port,
    ids,
  }
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
