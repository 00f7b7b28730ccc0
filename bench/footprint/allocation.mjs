// The bytes of heap that a request allocates in the server, beyond what it does without any session.
import { once } from 'node:events'
import { Agent, createServer, request as httpRequest } from 'node:http'
import { PerformanceObserver } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { Manager, StorageMemory } from 'gsession'
import { session } from 'gsession/http'
import { asProgram, openPart } from '../parts.mjs'
import { sampleSession } from '../sample.mjs'
import { median, progress, spread } from '../statistics.mjs'

const CASES = ['bare', 'untouched', 'read', 'write']
const BODY = 'x'.repeat(32)
/** So few that what they allocate stays far below the young generation. */
const TIMES = 1000
/** How often a sample is taken anew because the heap was collected meanwhile. */
const TRIES = 5
/** A young generation that takes all that is allocated meanwhile, so that nothing is collected. */
const FLAGS = ['--expose-gc', '--min-semi-space-size=256', '--max-semi-space-size=256']

/** Bytes per request through `gsession/http` on memory, sessions of 700 bytes, minus a bare server's. */
export async function measureAllocation({ quick = false } = {}) {
  const servers = []
  try {
    for (const name of CASES) {
      progress(`allocation: ${name} warms up`)
      const part = openPart(import.meta.url, 'serve', { name }, FLAGS)
      servers.push({ name, part, samples: [], ...(await part.next()) })
    }
    for (const server of servers) await send(server, quick ? 5000 : 20_000)
    for (let round = 0; round < (quick ? 3 : 9); round++) {
      for (const server of servers) {
        progress(`allocation: ${server.name}, round ${round + 1}`)
        server.samples.push((await sample(server)) / TIMES)
      }
    }
  } finally {
    for (const { part } of servers) await part.close()
  }
  const [bare, ...others] = servers
  return others.map(({ name, samples }) => ({
    name: `allocated for a request, ${name}`,
    value: median(samples) - median(bare.samples),
    unit: 'bytes',
    spread: spread(samples),
    compared: { name: 'the bare request', value: median(bare.samples) },
  }))
}

/** The bytes allocated for so many requests, without any that were freed meanwhile. */
async function sample(server) {
  for (let tries = 0; tries < TRIES; tries++) {
    await server.part.ask('begin')
    await send(server, TIMES)
    const { allocated, collections } = await server.part.ask('end')
    if (collections === 0) return allocated
  }
  throw new Error(`${server.name}: the heap was collected each time`)
}

/** Sends requests one after another over one connection, and checks each answer. */
async function send({ port, id }, times) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const headers = { cookie: `theme=dark; sid=${id}` }
  for (let n = 0; n < times; n++) {
    const sent = httpRequest({ port, host: '127.0.0.1', agent, headers }).end()
    const [response] = await once(sent, 'response')
    let body = ''
    for await (const chunk of response) body += chunk
    if (response.statusCode !== 200 || body !== BODY) throw new Error('a wrong answer')
  }
  agent.destroy()
}

async function serve({ name }, listen) {
  const manager = new Manager({ storage: new StorageMemory() })
  const begun = manager.new()
  await begun.setMap(sampleSession)
  await begun.close()
  let counter = 0
  const handlers = {
    bare: (_request, response) => response.end(BODY),
    untouched: session(manager)((_request, response) => response.end(BODY)),
    read: session(manager)(async (request, response) => {
      const user = await request.session.get('name')
      response.end(user === sampleSession.name ? BODY : 'wrong')
    }),
    write: session(manager)(async (request, response) => {
      await request.session.set('counter', ++counter)
      response.end(BODY)
    }),
  }
  let begunAt = 0
  let collections = 0
  new PerformanceObserver(list => {
    collections += list.getEntries().filter(({ startTime }) => startTime > begunAt).length
  }).observe({ entryTypes: ['gc'] })
  const server = createServer(handlers[name]).listen(0, '127.0.0.1')
  await once(server, 'listening')
  let used = 0
  const steps = {
    begin() {
      globalThis.gc()
      begunAt = performance.now()
      collections = 0
      used = process.memoryUsage().heapUsed
    },
    async end() {
      const allocated = process.memoryUsage().heapUsed - used
      // The observer hears of a collection some time after it.
      await sleep(20)
      if (name === 'write') await checkWritten(manager, await begun.id(), counter)
      return { allocated, collections }
    },
  }
  listen(step => steps[step]())
  return { port: server.address().port, id: await begun.id() }
}

async function checkWritten(manager, id, counter) {
  const stored = await manager.new(id).get('counter')
  if (stored !== counter) throw new Error(`expected the counter ${counter}, got ${stored}`)
}

await asProgram(import.meta.url, measureAllocation, { serve })
