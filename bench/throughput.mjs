// Requests per second, latencies and costs of every subject, in turn, round by round, in new processes each.
//   node bench/throughput.mjs --only 'ours, node:http, memory' --case read
// measures what is named alone; --seconds, --rounds and --quick are those of the whole run.
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { createClient } from 'redis'
import { benchFamily, WARMING_SHARE } from './family.mjs'
import { pinned, startLoad } from './processes.mjs'
import { startRedis } from './redis-server.mjs'
import { median } from './statistics.mjs'
import { planFamilies } from './throughput-plan.mjs'

/**
 * How often each step is sampled, for how many seconds, and how long it runs before each sample; how many
 * rounds a server serves until a new process takes its place, and how long it runs before the first one, over
 * all of its steps: on one core it takes about two seconds until what is hot is compiled.
 */
const FULL = { rounds: 5, seconds: 0.4, warming: 0.4, roundsEach: 1, firstWarming: 2 }
const QUICK = { rounds: 2, seconds: 0.25, warming: 0.15, roundsEach: 2, firstWarming: 1.5 }
/** How much longer than its seconds a sample takes, and how long a server takes until it is checked. */
const SAMPLE_OVERHEAD_SECONDS = 0.17
const START_SECONDS = 0.6

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
    await load.stop()
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

function announce(families, { rounds, seconds, warming, roundsEach, firstWarming }) {
  const steps = families.flat().length
  const servers = new Set(families.flat().map(step => step.subject)).size
  const perRound = steps * (seconds + warming + SAMPLE_OVERHEAD_SECONDS)
  const warmings = Math.max(servers * firstWarming, steps * WARMING_SHARE * seconds)
  const perStart = servers * START_SECONDS + warmings + steps * SAMPLE_OVERHEAD_SECONDS
  const minutes = ((rounds * perRound + Math.ceil(rounds / roundsEach) * perStart) / 60).toFixed(1)
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
