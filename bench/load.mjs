// The load, in a process of its own: waits for tasks, sends requests, counts and times the answers.
//
// A task is { url, expected, connections, and seconds or amount } and what to ask for: { plans } has for each
// connection its requests, { path, cookie }, which it repeats; { contended } has a cookie for each
// connection, which writes its own key, a greater number each time.
import { createHistogram } from 'node:perf_hooks'
import autocannon from 'autocannon'

process.on('message', async task => process.send(await run(task)))
process.on('disconnect', () => process.exit())

/**
 * The rate counts from when all connections were begun. A latency is the time from the write of a request
 * to the last byte of its answer; the first of each connection would hold the connecting as well.
 */
async function run(task) {
  const latencies = createHistogram()
  const cookies = []
  const written = []
  let requests = 0
  let connections = 0
  let start
  let last
  const setupClient = client => {
    const connection = connections++
    client.setRequests(
      task.contended ? contending(task, connection, written) : planned(task.plans[connection]),
    )
    if (task.keepsCookies) client.on('headers', head => cookies.push(cookieOf(head.headers)))
    let isFirst = true
    client.on('response', (_status, _bytes, milliseconds) => {
      requests++
      last = performance.now()
      if (isFirst) isFirst = false
      else latencies.record(Math.max(1, Math.round(milliseconds * 1000)))
    })
    start = performance.now()
  }
  const result = await autocannon({
    url: task.url,
    connections: task.connections,
    ...(task.amount ? { amount: task.amount } : { duration: task.seconds }),
    // How often it looks whether the time is over.
    sampleInt: 50,
    expectBody: task.expected,
    setupClient,
  })
  return {
    requests,
    wrong: result.non2xx + result.mismatches + result.errors,
    perSecond: requests / ((last - start) / 1000),
    // Nothing, if no connection had a second answer.
    p50: latencies.count > 0 ? latencies.percentile(50) : null,
    p99: latencies.count > 0 ? latencies.percentile(99) : null,
    bytes: result.throughput.total,
    cookies,
    written,
  }
}

function planned(requests) {
  return requests.map(({ path, cookie }) => ({
    path,
    headers: cookie ? { cookie: `theme=dark; ${cookie}` } : {},
  }))
}

/** One request, made anew each time. `written` holds the last number whose answer has come. */
function contending(task, number, written) {
  let value = task.from
  const request = {
    path: '/contend',
    setupRequest: defaults => {
      value++
      const cookie = `theme=dark; ${task.contended[number]}`
      const headers = { cookie, 'x-key': `k${number}`, 'x-value': String(value) }
      return { ...defaults, headers }
    },
    onResponse: () => {
      written[number] = value
    },
  }
  return [request]
}

/** The cookies of an answer, as a Cookie header would have them: of one name the last. */
function cookieOf(headers) {
  const values = new Map()
  for (let at = 0; at < headers.length; at += 2) {
    if (headers[at].toLowerCase() !== 'set-cookie') continue
    const [pair] = headers[at + 1].split(';', 1)
    values.set(pair.slice(0, pair.indexOf('=')), pair)
  }
  return [...values.values()].join('; ')
}
