// One sample of one step: what is asked of the load, what the server and its storage say it has cost.
import { readFileSync } from 'node:fs'
import { checkWritten, countLost } from './check.mjs'
import { logIn } from './client.mjs'
import { LARGE_BYTES } from './sample.mjs'
import { ANSWER } from './subjects/work.mjs'

/** Cases that can be begun any number of times: a sample of them is begun with a run that is not counted. */
const ANEW = ['bare', 'untouched', 'read', 'mix', 'write', 'login']
/** How many sessions the requests are spread over, in turn. */
const SESSIONS = 256
/** How many of them are looked at afterwards. */
const CHECKED = 8
const MOST_LOGOUTS = 20_000
/** Of each connection. */
const FEWEST_LOGOUTS = 8

/** Makes the sessions that a step needs, once for each server. */
export async function prepare(server, step) {
  server.cookies ??= {}
  if (step.case === 'bare' || step.case === 'login') return
  const path = step.bytes === LARGE_BYTES ? 'loginLarge' : 'login'
  try {
    server.cookies[step.bytes] ??= await logIn(server.url, path, SESSIONS)
  } catch (cause) {
    throw new Error(`${server.subject.name}, ${path}: ${cause.message}`, { cause })
  }
}

/** Runs it, and throws an error that names the subject if an answer was wrong. */
export async function sample({ server, step, load, redis, seconds, warming, round }) {
  if (step.case === 'logout') await logInEnough(server, step)
  const task = { url: server.url, expected: ANSWER, seconds, ...taskOf(server, step, round) }
  // The others had their turns since: caches are cold.
  if (warming > 0 && ANEW.includes(step.case)) await load.ask({ ...task, seconds: warming })
  const taken = await takeUntilAnswered({ server, step, load, redis, task })
  if (step.case === 'login') server.loggedIn = taken.cookies.slice(0, MOST_LOGOUTS)
  if (step.case === 'logout') server.loggedIn = []
  return {
    ...taken.figures,
    lostWrites: task.contended ? await lostWrites(server, task, taken.written) : null,
  }
}

/** A slow subject may have too few answers in a short sample: then it has a longer one. */
async function takeUntilAnswered({ task, ...parts }) {
  for (const times of [1, 4, 16]) {
    const taken = await take({ ...parts, task: { ...task, seconds: task.seconds * times } })
    if (taken.p99 !== null) return taken
  }
  throw new Error(
    `${parts.server.subject.name}, ${parts.step.case}: hardly an answer; is the machine busy?`,
  )
}

/** A login before this logout left its sessions, unless it was slow, or is not measured. */
async function logInEnough(server, { connections }) {
  server.loggedIn ??= []
  const missing = FEWEST_LOGOUTS * connections - server.loggedIn.length
  if (missing > 0) server.loggedIn.push(...(await logIn(server.url, 'login', missing)))
}

async function take({ server, step, load, redis, task }) {
  const { subject } = server
  const asksRedis = subject.storage.startsWith('redis')
  const commandsBefore = asksRedis ? await commandsOf(redis) : 0
  const writtenBefore = bytesWritten(server.pid)
  await server.ask('begin')
  const result = await load.ask(task)
  const { cpu, share, eventLoopP99 } = await server.ask('end')
  const written = bytesWritten(server.pid) - writtenBefore - result.bytes
  const commands = asksRedis ? (await commandsOf(redis)) - commandsBefore : 0
  if (result.wrong > 0) {
    throw new Error(`${subject.name}, ${step.case}: ${result.wrong} wrong answers`)
  }
  const figures = {
    perSecond: result.perSecond,
    cpuMicroseconds: cpu / result.requests,
    serverShare: share,
    p50: result.p50,
    p99: result.p99,
    eventLoopP99Milliseconds: eventLoopP99,
    commands: asksRedis ? commands / result.requests : null,
    bytesWritten: subject.storage === 'file' ? Math.max(0, written) / result.requests : null,
  }
  return { ...result, figures }
}

function taskOf(server, step, round) {
  const { connections } = step
  const cookies = server.cookies[step.bytes]
  switch (step.case) {
    case 'bare':
      // As long as that of a session.
      return { connections, plans: repeat(connections, [{ path: '/bare', cookie: bareCookie }]) }
    case 'login':
      return { connections, keepsCookies: true, plans: repeat(connections, [{ path: '/login' }]) }
    case 'logout':
      return {
        connections,
        amount: server.loggedIn.length,
        plans: plansOf(connections, server.loggedIn, () => '/logout'),
      }
    case 'mix':
      return { connections, plans: mixedPlans(connections, cookies) }
    case 'contention, one session':
      return { connections, from: round * 1e9, contended: repeat(connections, cookies[0]) }
    case 'contention, 64 sessions':
      return { connections, from: round * 1e9, contended: cookies.slice(0, connections) }
    default:
      return { connections, plans: plansOf(connections, cookies, () => `/${step.case}`) }
  }
}

const bareCookie = `sid=${'x'.repeat(43)}`

function repeat(count, value) {
  return Array.from({ length: count }, () => value)
}

/** Each connection has its own sessions: a visitor does not race with itself. */
function plansOf(connections, cookies, pathOf) {
  return Array.from({ length: connections }, (_, connection) =>
    cookies
      .filter((_cookie, index) => index % connections === connection)
      .map((cookie, index) => ({ path: pathOf(index), cookie })),
  )
}

/** 19 reads, then a write; which session is written to moves on. */
function mixedPlans(connections, cookies) {
  return plansOf(connections, cookies, () => '').map(own =>
    Array.from({ length: 20 * own.length }, (_, index) => ({
      path: index % 20 === 19 ? '/write' : '/read',
      cookie: own[(index + Math.floor(index / 20)) % own.length].cookie,
    })),
  )
}

async function lostWrites(server, task, written) {
  const lost = await countLost(server, task.contended, written)
  if (lost > 0 && server.subject.kind === 'ours') {
    throw new Error(`${server.subject.name}: ${lost} of ${task.connections} writes were lost`)
  }
  return lost
}

/** After all rounds: whether what was written under load is there. */
export async function checkAfterwards(server, step) {
  const keepsNothing = ['write + rename', 'cookie']
  if (step.case !== 'write') return
  if (keepsNothing.includes(server.subject.library)) return
  if (keepsNothing.includes(server.subject.storage)) return
  await checkWritten(
    server,
    server.cookies[step.bytes].slice(0, Math.min(step.connections, CHECKED)),
  )
}

/** All commands that Redis has run, those within scripts too. */
async function commandsOf(redis) {
  const stats = await redis.info('commandstats')
  return [...stats.matchAll(/cmdstat_(?!info)[^:]+:calls=(\d+)/g)].reduce(
    (sum, [, calls]) => sum + Number(calls),
    0,
  )
}

/** What a process has written to files and sockets; 0 where the system does not tell. */
function bytesWritten(pid) {
  try {
    return Number(/^wchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))[1])
  } catch {
    return 0
  }
}
