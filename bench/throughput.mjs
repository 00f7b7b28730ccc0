// Requests per second, latencies and costs of every subject, in turn, round by round.
//   node bench/throughput.mjs --only 'ours, node:http, memory' --case read
// measures what is named alone; --seconds, --rounds and --quick are those of the whole run.
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { createClient } from 'redis'
import { checkSubject } from './check.mjs'
import { pinned, startLoad, startServer } from './processes.mjs'
import { startRedis } from './redis-server.mjs'
import { countRoundTrips } from './round-trips.mjs'
import { checkAfterwards, prepare, sample } from './sampling.mjs'
import { median, progress, spread } from './statistics.mjs'
import { planFamilies } from './throughput-plan.mjs'

/**
 * How often each step is sampled, for how many seconds, and how long it runs before each sample; and how
 * long a server runs before the first round, over all of its steps.
 */
const FULL = { rounds: 5, seconds: 0.4, warming: 0.6, firstWarming: 1.2 }
const QUICK = { rounds: 2, seconds: 0.25, warming: 0.2, firstWarming: 0.5 }
/** How much longer than its seconds a sample takes, and how long a server takes until it is checked. */
const SAMPLE_OVERHEAD_SECONDS = 0.17
const START_SECONDS = 0.6
/** Before the first round each step runs for this share of a sample at least. */
const WARMING_SHARE = 0.4

/**
 * Measures, and answers `{ rounds, seconds, rows }`. A row is named by its `subject`, `framework`,
 * `storage`, `case`, `bytes` and `connections`; its `kind` is 'ours', 'theirs' or 'limit'. Its figures are
 * medians of those of its `samples`, one for each round:
 *
 * - `perSecond`, requests; the row's `spread` is theirs
 * - `cpuMicroseconds` of the server per request, and `serverShare` of a core that it had
 * - `p50` and `p99`, latencies in microseconds
 * - `eventLoopP99Milliseconds`, by which the server's event loop was late
 * - `commands` that Redis ran per request, those within scripts too
 * - `bytesWritten` to files per request
 * - `lostWrites`: connections, of those that shared sessions, whose last write is not there
 *
 * `roundTrips` to Redis per request are the row's own, counted before. What does not apply is null.
 */
export async function benchThroughput(options = {}) {
  const { quick = false, only, onlyCase } = options
  const plan = quick ? QUICK : FULL
  const { rounds = plan.rounds, seconds = plan.seconds } = options
  const pace = { ...plan, rounds, seconds }
  const families = planFamilies({ quick, only, onlyCase })
  announce(families, pace)
  const redisServer = await startRedis(command => pinned(0, command))
  const redis = await createClient({ url: redisServer.url }).connect()
  const load = startLoad()
  const rows = []
  try {
    for (const [index, steps] of families.entries()) {
      const name = `${steps[0].subject.framework}, family ${index + 1} of ${families.length}`
      const tools = { load, redis, redisUrl: redisServer.url, ...pace, name }
      rows.push(...(await benchFamily(steps, tools)))
    }
  } finally {
    load.stop()
    redis.destroy()
    redisServer.stop()
  }
  return { rounds, seconds, rows }
}

/** How much a row is ahead of another: the median of the ratios of each round's requests per second. */
export function ratio(row, other) {
  const count = Math.min(row.samples.length, other.samples.length)
  return median(
    row.samples.slice(0, count).map((one, round) => one.perSecond / other.samples[round].perSecond),
  )
}

async function benchFamily(steps, tools) {
  const servers = new Map()
  const runs = []
  try {
    for (const subject of new Set(steps.map(step => step.subject))) {
      progress(`${tools.name}: ${subject.name}`)
      servers.set(subject, await startChecked(subject, tools.redisUrl))
    }
    for (const step of steps) {
      const server = servers.get(step.subject)
      await prepare(server, step)
      runs.push({ step, server, samples: [] })
    }
    for (let round = 0; round <= tools.rounds; round++) await runRound(runs, round, tools)
    for (const { step, server } of runs) await checkAfterwards(server, step)
  } finally {
    for (const server of servers.values()) server.stop()
  }
  return runs.map(rowOf)
}

/** The first round warms up. */
async function runRound(runs, round, { load, redis, name, ...pace }) {
  const { rounds, warming } = pace
  const label = `${name}: ${round === 0 ? 'warming up' : `round ${round} of ${rounds}`}`
  for (const { step, server, samples } of runs) {
    progress(`${label}, ${step.subject.name}, ${step.case}`)
    const seconds = round === 0 ? warmingSeconds(runs, server, pace) : pace.seconds
    const taken = await sample({ server, step, load, redis, seconds, warming, round })
    if (round > 0) samples.push(taken)
  }
}

function warmingSeconds(runs, server, { seconds, firstWarming }) {
  const steps = runs.filter(run => run.server === server).length
  return Math.max(firstWarming / steps, WARMING_SHARE * seconds)
}

async function startChecked(subject, redisUrl) {
  const server = await startServer(subject, redisUrl)
  try {
    await checkSubject(server)
    const asksRedis = subject.storage.startsWith('redis')
    server.roundTrips = asksRedis ? await countRoundTrips(server, redisUrl) : {}
    return server
  } catch (error) {
    server.stop()
    throw error
  }
}

function rowOf({ step, server, samples }) {
  const { library, kind, framework, storage } = step.subject
  const { bytes, connections } = step
  const medians = Object.keys(samples[0]).map(key => [key, medianOf(samples, key)])
  return {
    ...{ subject: library, kind, framework, storage, case: step.case, bytes, connections },
    ...Object.fromEntries(medians),
    spread: spread(samples.map(one => one.perSecond)),
    roundTrips: server.roundTrips[step.case] ?? null,
    samples,
  }
}

function medianOf(samples, key) {
  return samples[0][key] === null ? null : median(samples.map(one => one[key]))
}

function announce(families, { rounds, seconds, warming, firstWarming }) {
  const steps = families.flat().length
  const servers = new Set(families.flat().map(step => step.subject)).size
  const perSample = seconds + warming + SAMPLE_OVERHEAD_SECONDS
  const perStep = perSample * rounds + SAMPLE_OVERHEAD_SECONDS
  const before = Math.max(servers * firstWarming, steps * WARMING_SHARE * seconds)
  const minutes = ((steps * perStep + before + servers * START_SECONDS) / 60).toFixed(1)
  process.stderr.write(
    `Throughput: ${steps} samples of ${seconds} s in ${rounds} rounds, about ${minutes} minutes\n`,
  )
}

/** As a program: what is asked for, as lines. */
async function main() {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      case: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      quick: { type: 'boolean' },
    },
  })
  const { rows } = await benchThroughput({
    rounds: numberOf(values.rounds),
    seconds: numberOf(values.seconds),
    quick: values.quick,
    only: values.only,
    onlyCase: values.case,
  })
  if (process.stderr.isTTY) process.stderr.write('\n')
  console.table(rows.map(({ samples: _samples, ...row }) => rounded(row)))
  process.exit(0)
}

function numberOf(text) {
  return text === undefined ? undefined : Number(text)
}

function rounded(row) {
  return Object.fromEntries(
    Object.entries(row).map(([key, value]) => [
      key,
      typeof value === 'number' ? Number(value.toPrecision(4)) : value,
    ]),
  )
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main()
