// One family of subjects that run beside each other: their servers, and the rounds of their steps.
import { checkSubject } from './check.mjs'
import { startServer } from './processes.mjs'
import { countRoundTrips } from './round-trips.mjs'
import { checkAfterwards, prepare, sample } from './sampling.mjs'
import { median, progress, spread } from './statistics.mjs'

/** In a new server each step runs for this share of a sample at least before the samples. */
export const WARMING_SHARE = 0.4

/** Measures the steps, and answers a row for each, as `benchThroughput` says. */
export async function benchFamily(steps, tools) {
  const runs = steps.map(step => ({ step, samples: [], roundTrips: null }))
  const { rounds, roundsEach } = tools
  for (let round = 1; round <= rounds; round += roundsEach) {
    await inNewServers(runs, tools, async servers => {
      const last = Math.min(rounds, round + roundsEach - 1)
      for (let each = round; each <= last; each++) await runRound(runs, servers, each, tools)
    })
  }
  return runs.map(rowOf)
}

/** In processes of their own: the same program differs more from process to process than within one. */
async function inNewServers(runs, tools, work) {
  await tools.redis.flushDb()
  const servers = await startServers(runs, tools)
  try {
    await warmUp(runs, servers, tools)
    await work(servers)
    for (const { step } of runs) await checkAfterwards(servers.get(step.subject), step)
  } finally {
    await stopAll(servers)
  }
}

async function warmUp(runs, servers, { load, redis, name, ...pace }) {
  for (const { step } of runs) {
    progress(`${name}: warming up ${step.subject.name}, ${step.case}`)
    const server = servers.get(step.subject)
    const seconds = warmingSeconds(runs, step.subject, pace)
    await sample({ server, step, load, redis, seconds, warming: 0, round: 0 })
  }
}

async function runRound(runs, servers, round, { load, redis, name, rounds, seconds, warming }) {
  for (const run of runs) {
    const { step } = run
    progress(`${name}: round ${round} of ${rounds}, ${step.subject.name}, ${step.case}`)
    const server = servers.get(step.subject)
    run.samples.push(await sample({ server, step, load, redis, seconds, warming, round }))
    run.roundTrips = server.roundTrips[step.case] ?? null
  }
}

/** One for each subject, checked, and with the sessions that its steps need. */
async function startServers(runs, { name, redisUrl }) {
  const servers = new Map()
  try {
    for (const { step } of runs) {
      const { subject } = step
      progress(`${name}: starting ${subject.name}`)
      if (!servers.has(subject)) servers.set(subject, await startChecked(subject, redisUrl))
      await prepare(servers.get(subject), step)
    }
    return servers
  } catch (error) {
    await stopAll(servers)
    throw error
  }
}

async function stopAll(servers) {
  await Promise.all([...servers.values()].map(server => server.stop()))
}

/** The time that a server runs before its samples is shared by its steps. */
function warmingSeconds(runs, subject, { seconds, firstWarming }) {
  const steps = runs.filter(run => run.step.subject === subject).length
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
    await server.stop()
    throw error
  }
}

function rowOf({ step, samples, roundTrips }) {
  const { library, kind, framework, storage } = step.subject
  const { bytes, connections } = step
  const medians = Object.keys(samples[0]).map(key => [key, medianOf(samples, key)])
  return {
    ...{ subject: library, kind, framework, storage, case: step.case, bytes, connections },
    ...Object.fromEntries(medians),
    spread: spread(samples.map(one => one.perSecond)),
    roundTrips,
    samples,
  }
}

function medianOf(samples, key) {
  return samples[0][key] === null ? null : median(samples.map(one => one[key]))
}
