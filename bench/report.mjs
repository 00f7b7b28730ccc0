// The results as the page that people read.
import { aheadOfPeers, findRow, targetsOf } from './targets.mjs'
import { ratio } from './throughput.mjs'

const CASES = ['untouched', 'read', 'mix', 'write', 'login', 'logout']

export function report(results) {
  const { machine, throughput, storages, footprint, goFrame } = results
  return `# Benchmarks

\`npm run bench\` measures and rewrites this page, its charts and \`results/latest.json\`; it takes an hour.
\`npm run bench -- --quick\` takes under three minutes and writes \`results/quick.json\` alone. Figures of one machine mean little on another: compare the
ratios, which are between things that ran in turn, round by round, in one run. The same program differs from process to process: each round has new ones, which run for two seconds before they are measured. \`npm run bench -- --again PART\` measures one part anew, and \`REDIS_SERVER\` is the path of another server. What they come from, and what makes things cheaper: [performance](../docs/performance.md).

${machine.date}${againText(machine)}, Node ${machine.node.slice(1)}, ${machine.redis}, ${machine.system}, ${machine.cores}. Medians of ${throughput.rounds} rounds of ${throughput.seconds} s.

## What was to be reached

${table(['', 'to reach', 'reached', ''], targetsOf(results).map(targetRow))}

${aheadText(throughput.rows)}

![Read one key: requests per second](results/read.svg)

![Write one key: requests per second](results/write.svg)

## Requests per second

32 connections, 256 sessions of 700 bytes in turn. Where \`taskset\` exists the server has one core, with Redis beside it where a case has one, and the load generator another.
Each subject's answers, cookies and stored values are checked before it is timed. In brackets: the share of the bare framework. *Mix* is 95 % reads; *login* begins
a session with a new id; *by hand* is a handler that does nothing but find the session in a Map and write \`Vary\`, or GET, or GET and SET, with the same client; *write + rename* the plainest atomic write of a file. What each peer is
configured with is in [subjects](subjects). Up to Node 22, Express is faster behind the session's middleware than alone ([decision 25](../docs/decisions/0025-express-in-dictionary-mode.md)).

${frameworksOf(throughput.rows)
  .map(framework => mainTable(throughput.rows, framework))
  .join('\n\n')}

## What a request costs

CPU time of the server, latency at 32 connections, round trips to Redis, what is written to files, and by how much the event loop was late.

${table(['', 'case', 'CPU µs', 'p50 µs', 'p99 µs', 'round trips', 'commands', 'bytes written', 'event loop p99 ms'], costRows(throughput.rows))}

## Other sizes and connections

Requests per second; sessions of 20 kB, and 1 and 256 connections.

${table(['', 'case', '700 B, 32', '20 kB, 32', '700 B, 1', '700 B, 256'], conditionRows(throughput.rows))}

## Many requests on one session

64 connections, each writing a key of its own: into one session, and into 64. *Lost*: connections whose last write is not there afterwards.

${table(['', 'one session', '64 sessions', 'ratio', 'lost'], contentionRows(throughput.rows))}

## Beside Go

${goFrame.note} Operations on 256 sessions of 700 bytes, 32 at a time, all programs on one core and Redis on the other. *Ratio* is per CPU second, to GoFrame.

${goFrame.rows.length === 0 ? '' : `${table(['', 'storage', 'operation', 'per second', 'per CPU second', 'ratio'], goRows(goFrame.rows))}\n\n${WHY_GO}`}

## Memory, disk, start, size

${table(['', '', 'compared with', '', 'ratio'], footprintRows(footprint))}

${growthText(footprint.growth)}

## Operations, one after another

${table(['', 'µs', 'spread'], storages.map(storageRow))}
`
}

function againText({ again = {} }) {
  return Object.entries(again)
    .map(([part, date]) => ` (${part}: ${date})`)
    .join('')
}

/** What the figures beside Go come from: docs/goframe.md and the tests in test/goframe/rows show it. */
const WHY_GO = `What explains it: GoFrame's memory storage hands each request the same live map, so nothing is encoded or kept apart, and what one request does another one sees before it is stored;
here a write is checked, encoded, merged, and copied. GoFrame reads and decodes a file or a string at each request, and writes it whole; here one that is known is not read or parsed
again, but a write to a file takes a lock and replaces the file, so that a kill loses nothing. With 32 at a time, the commands of one turn of Node's event loop go to Redis together; one at a
time, each pays for a turn of its own.`

function table(head, rows) {
  const line = cells => `| ${cells.join(' | ')} |`
  return [
    line(head),
    line(head.map((_, at) => (at === 0 ? '---' : '--:'))),
    ...rows.map(line),
  ].join('\n')
}

/** A quick run does not look at it. */
function growthText(growth) {
  if (growth === undefined) return ''
  const head = ['', '1,000 sessions', '10,000', '100,000', '1,000,000']
  const isRequest = row => row.what.startsWith('request')
  const requests = growth.rows.filter(isRequest)
  const operations = growth.rows.filter(row => !isRequest(row))
  return `## As sessions grow in number

![A request as sessions grow in number](results/growth.svg)

Sessions of 240 bytes, each chosen by chance among all of them. Microseconds that a request takes of a core, 32 at a time, Redis on the same core; *by hand* is the
plainest code that does the same on the same storage, *map* the same on a Map of texts, *one cached* a \`StorageFile\` that keeps hardly a session in memory.

${table(head, growthRows(requests))}

The same without a server, one operation after another:

${table(head, growthRows(operations))}`
}

function targetRow({ text, atLeast, atMost, reached }) {
  const isReached = atMost === undefined ? reached >= atLeast : reached <= atMost
  const wanted = atMost === undefined ? `at least ${atLeast}` : `at most ${atMost}`
  return [text, wanted, reached.toFixed(2), isReached ? 'yes' : 'no']
}

function aheadText(rows) {
  const all = aheadOfPeers(rows)
  const behind = all.filter(one => one.ratio < 1)
  const text = `Of ${all.length} comparisons with other packages, on the same framework and kind of storage, gsession is ahead in ${all.length - behind.length}.`
  if (behind.length === 0) return text
  const each = ({ row, ratio }) => [
    nameOf(row),
    row.framework,
    row.case,
    sizeOf(row),
    ratio.toFixed(2),
  ]
  return `${text} Behind:\n\n${table(['', 'framework', 'case', '', 'ratio'], behind.map(each))}`
}

function frameworksOf(rows) {
  return [...new Set(rows.map(row => row.framework))]
}

function mainTable(rows, framework) {
  const bare = findRow(rows, { framework, case: 'bare' })
  const here = rows.filter(row => row.framework === framework && isMain(row))
  const subjects = [...new Map(here.map(row => [nameOf(row), row])).values()]
  const cell = (subject, name) => {
    if (subject.subject === 'bare') return name === 'untouched' ? perSecond(subject) : ''
    const row = here.find(one => nameOf(one) === nameOf(subject) && one.case === name)
    return row ? `${perSecond(row)} (${ratio(row, bare).toFixed(2)})` : ''
  }
  const lines = subjects.map(subject => [
    nameOf(subject),
    ...CASES.map(name => cell(subject, name)),
  ])
  return `### ${framework}\n\n${table(['', ...CASES], lines)}`
}

function costRows(rows) {
  return rows
    .filter(row => isMain(row) && ['read', 'write'].includes(row.case))
    .map(row => [
      `${nameOf(row)}, ${row.framework}`,
      row.case,
      row.cpuMicroseconds.toFixed(1),
      Math.round(row.p50),
      Math.round(row.p99),
      row.roundTrips ?? '',
      row.commands === null ? '' : row.commands.toFixed(1),
      row.bytesWritten === null ? '' : Math.round(row.bytesWritten),
      row.eventLoopP99Milliseconds?.toFixed(1) ?? '',
    ])
}

function conditionRows(rows) {
  const conditions = [
    [700, 32],
    [20_000, 32],
    [700, 1],
    [700, 256],
  ]
  const rowAt = (row, [bytes, connections]) => {
    const { subject, framework, storage } = row
    return findRow(rows, { subject, framework, storage, case: row.case, bytes, connections })
  }
  return rows
    .filter(row => isMain(row) && rowAt(row, [700, 1]) !== undefined)
    .map(row => [
      `${nameOf(row)}, ${row.framework}`,
      row.case,
      ...conditions.map(condition => {
        const found = rowAt(row, condition)
        return found === undefined ? '' : perSecond(found)
      }),
    ])
}

function contentionRows(rows) {
  return rows
    .filter(row => row.case === 'contention, one session')
    .map(row => {
      const { subject, framework, storage, connections } = row
      const many = findRow(rows, {
        ...{ subject, framework, storage, connections, case: 'contention, 64 sessions' },
      })
      return [
        `${nameOf(row)}, ${framework}`,
        perSecond(row),
        perSecond(many),
        ratio(row, many).toFixed(2),
        row.lostWrites,
      ]
    })
}

function goRows(rows) {
  return rows
    .filter(row => row.parallel === 32 && row.cores === rows[0].cores)
    .map(row => [
      row.name,
      row.storage,
      row.operation,
      Math.round(row.perSecond),
      Math.round(row.perCpuSecond),
      row.cpuRatio.toFixed(2),
    ])
}

function footprintRows(footprint) {
  return Object.entries(footprint)
    .filter(([name]) => name !== 'growth')
    .flatMap(([, { rows }]) => rows)
    .map(row => [
      row.name,
      withUnit(row.value, row.unit),
      row.compared?.name ?? '',
      row.compared === undefined ? '' : withUnit(row.compared.value, row.unit),
      row.ratio?.toFixed(2) ?? '',
    ])
}

/** One line for each operation of each storage, with the sizes beside each other. */
function growthRows(rows) {
  const lines = new Map()
  for (const row of rows) {
    const { what, sessions } = row
    if (!lines.has(what)) lines.set(what, [what])
    lines.get(what)[Math.log10(sessions) - 2] = row.value.toFixed(1)
  }
  return [...lines.values()].map(line => Array.from({ length: 5 }, (_, at) => line[at] ?? ''))
}

function storageRow({ operation, microseconds, spread }) {
  return [operation, microseconds.toFixed(2), `${Math.round(spread * 100)} %`]
}

function isMain({ bytes, connections }) {
  return bytes === 700 && connections === 32
}

/** What a row is about, under its framework. */
export function nameOf({ subject, storage }) {
  const name = subject === 'ours' ? 'gsession' : subject
  const isPlain =
    storage === 'none' ||
    (subject !== 'ours' && /session-file|redis|cookie|by hand|rename/.test(subject))
  return isPlain ? name : `${name}, ${storage}`
}

function sizeOf({ bytes, connections }) {
  return `${bytes === 700 ? '700 B' : '20 kB'}, ${connections} connections`
}

function perSecond(row) {
  return String(Math.round(row.perSecond))
}

function withUnit(value, unit) {
  return `${Number(value.toPrecision(3))} ${unit}`
}
