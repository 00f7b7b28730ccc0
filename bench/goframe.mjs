// The same work in Go and in Node, in turn: sessions of GoFrame's gsession, of scs and of this library,
// on the same storages. Where there is no Go it says so, and there are no figures.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { asProgram } from './parts.mjs'
import { startRedis } from './redis-server.mjs'
import { sampleSession } from './sample.mjs'
import { median, progress, spread } from './statistics.mjs'
import { tempFolder } from './temp-folder.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = join(root, '.build', 'goframe')
const SESSIONS = 256
/** How long each program works before it is measured, in seconds at least: V8 compiles meanwhile. */
const WARM_UP = 0.15
const TTL = 86_400_000
const KINDS = ['memory', 'file', 'kv', 'hash']
/** What is compared; GoFrame is what the others are held against. */
const GOFRAME = 'GoFrame gsession, Go'
const OURS = 'gsession, ids as GoFrame'
/** Ours against GoFrame's, operations per CPU second, where the issue names a target. */
const AT_LEAST = { memory: 0.5, 'file, read': 1, 'kv, read': 1, 'hash, read': 1 }
const canPin = existsSync('/usr/bin/taskset') && cpus().length > 1

/**
 * Operations per second and per CPU second: `read` (a session by its id, get one key, close) and
 * `write` (a session by its id, set one key, close), on 256 sessions of 700 bytes, 1 and 32 at a time;
 * with all programs on one core, and (not quick) with none held back. Answers `{ rows, note }`; without Go there
 * are no rows, and the note says why.
 */
export async function benchGoFrame({ quick = false, names = KINDS } = {}) {
  if (spawnSync('go', ['version']).status !== 0) {
    return { rows: [], note: 'GoFrame and scs were left out: there is no Go on the PATH.' }
  }
  const programs = build()
  const rounds = quick ? 3 : 5
  const rows = []
  for (const cores of coresToMeasure(quick)) {
    for (const kind of names) {
      rows.push(...(await benchKind({ programs, kind, cores, rounds, quick })))
    }
  }
  const without = programs.scs ? '' : ' scs was left out: its modules could not be had.'
  return { rows, note: `GoFrame ${programs.version}, ${programs.go}.${without}` }
}

function coresToMeasure(quick) {
  if (!canPin) return ['free']
  return quick ? ['one core'] : ['one core', 'free']
}

/** Builds both Go programs; that of scs may be missing where its modules cannot be had. */
function build() {
  mkdirSync(folder, { recursive: true })
  const goFrame = join(folder, 'interop-newest')
  progress('goframe: the programs in Go are built')
  compile('interop', ['-modfile', 'go.mod', '-o', goFrame], 'inherit')
  const scs = join(folder, 'scs')
  const list = spawnSync('go', ['list', '-m', 'github.com/gogf/gf/v2'], {
    cwd: join(root, 'interop'),
  })
  const { stdout } = spawnSync('go', ['env', 'GOVERSION'], { encoding: 'utf8' })
  return {
    goFrame,
    scs: compile('bench/scs', ['-o', scs], 'ignore') ? scs : undefined,
    version: String(list.stdout).trim().split(' ')[1],
    go: stdout.trim(),
  }
}

function compile(place, args, errors) {
  const cwd = join(root, place)
  const options = { cwd, stdio: ['ignore', 'ignore', errors] }
  const { status } = spawnSync('go', ['build', '-trimpath', ...args, '.'], options)
  if (status !== 0 && errors === 'inherit') throw new Error(`${place} could not be built`)
  return status === 0
}

async function benchKind({ programs, kind, cores, rounds, quick }) {
  const isRedis = kind === 'kv' || kind === 'hash'
  // The programs on the first core; Redis is not counted, and takes the second.
  const pinned = command => (canPin ? ['/usr/bin/taskset', '-c', '1', ...command] : command)
  const redis = isRedis ? await startRedis(pinned) : undefined
  const { folder: files, remove } = tempFolder('goframe')
  const subjects = []
  try {
    for (const [name, command] of commandsFor(programs, kind)) {
      const place = { kind, ttl: TTL, prefix: `${subjects.length}:` }
      if (kind === 'file') place.path = mkdtempSync(join(files, 'sessions-'))
      if (redis) place.redis = new URL(redis.url).host
      subjects.push({ name, program: start(command(JSON.stringify(place)), cores) })
    }
    for (const { name, program } of subjects) await prepare(name, program)
    const rows = []
    for (const operation of ['read', 'write']) {
      for (const parallel of [1, 32]) {
        rows.push(...(await inTurn({ subjects, kind, cores, operation, parallel, rounds, quick })))
      }
    }
    return rows
  } finally {
    for (const { program } of subjects) await program.end()
    redis?.stop()
    remove()
  }
}

/** By name, the command for a place. */
function commandsFor({ goFrame, scs }, kind) {
  const node = fileURLToPath(new URL('./goframe-node.mjs', import.meta.url))
  const commands = [
    [GOFRAME, place => [goFrame, 'bench', place]],
    [OURS, place => [process.execPath, node, place, 'plain']],
    ['gsession, ids hashed', place => [process.execPath, node, place, 'hashed']],
  ]
  const canScs = scs !== undefined && (kind === 'memory' || kind === 'kv')
  return canScs ? [...commands, ['scs, Go', place => [scs, place]]] : commands
}

/** Starts a program, and answers how to give it an order. */
function start(command, cores) {
  const isHeld = cores === 'one core'
  const [program, ...args] = isHeld ? ['/usr/bin/taskset', '-c', '0', ...command] : command
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...(isHeld && { GOMAXPROCS: '1' }) },
  })
  const ended = new Promise(resolve => child.once('close', resolve))
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async ask(order) {
      child.stdin.write(`${JSON.stringify(order)}\n`)
      const { value, done } = await answers.next()
      if (done) throw new Error(`${command[0]} ended in the middle of ${order.do}`)
      return JSON.parse(value)
    },
    async end() {
      child.stdin.end()
      await ended
    },
  }
}

/** Stores the sessions, and looks whether what is written can be read. */
async function prepare(name, program) {
  await program.ask({ do: 'fill', sessions: SESSIONS, data: sampleSession })
  const { name: user, visits } = await program.ask({ do: 'check' })
  if (user !== sampleSession.name || visits !== SESSIONS - 1) {
    throw new Error(`${name}: a wrong answer`)
  }
}

/** One row for each program: its samples were taken in turn with those of the others. */
async function inTurn({ subjects, kind, cores, operation, parallel, rounds, quick }) {
  const seconds = quick ? 0.1 : 0.5
  const cases = []
  for (const subject of subjects) {
    const count = await countFor(subject.program, operation, parallel, seconds)
    cases.push({ ...subject, count, samples: [] })
  }
  for (let round = 0; round < rounds; round++) {
    progress(`goframe, ${cores}, ${kind}: ${operation}, ${parallel} at a time, round ${round + 1}`)
    for (const { program, count, samples } of cases) {
      const used = await program.ask({ do: operation, count, parallel })
      samples.push({ perSecond: count / used.seconds, perCpuSecond: count / used.cpuSeconds })
    }
  }
  const goFrame = cases.find(({ name }) => name === GOFRAME)
  return cases.map(({ name, samples }) => ({
    ...{ name, storage: kind, operation, parallel, cores },
    perSecond: middle(samples, 'perSecond'),
    perCpuSecond: middle(samples, 'perCpuSecond'),
    spread: spread(samples.map(sample => sample.perSecond)),
    ratio: ratio(samples, goFrame.samples, 'perSecond'),
    cpuRatio: ratio(samples, goFrame.samples, 'perCpuSecond'),
    toReach: name === OURS ? (AT_LEAST[kind] ?? AT_LEAST[`${kind}, ${operation}`] ?? null) : null,
  }))
}

/** So many operations as take about that long. The trial warms up as well. */
async function countFor(program, operation, parallel, seconds) {
  let count = 500
  for (;;) {
    const used = await program.ask({ do: operation, count, parallel })
    if (used.seconds > WARM_UP) return Math.ceil((count * seconds) / used.seconds)
    count *= 2
  }
}

function middle(samples, of) {
  return median(samples.map(sample => sample[of]))
}

/** The median of the rounds' ratios. */
function ratio(samples, others, of) {
  return median(samples.map((sample, round) => sample[of] / others[round][of]))
}

await asProgram(import.meta.url, async options => {
  const { rows, note } = await benchGoFrame(options)
  console.log(note)
  return rows
})
