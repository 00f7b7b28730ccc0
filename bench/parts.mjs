// A measurement is a program: it runs alone, and its parts run in processes of their own.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { pinned } from './processes.mjs'

/**
 * Runs one part of a measurement in a fresh process, and answers what it returned.
 *
 * @param url - `import.meta.url` of the measurement
 * @param flags - for Node, such as --expose-gc
 * @throws what the part threw
 */
export async function inProcess(url, part, options = {}, flags = []) {
  const child = openPart(url, part, options, flags)
  try {
    return await child.next()
  } finally {
    await child.close()
  }
}

/**
 * Starts a part that answers several times: each `next` is the next answer, each `ask` an order.
 *
 * @param core - where it is to run; anywhere, if there is none
 */
export function openPart(url, part, options = {}, flags = [], core = undefined) {
  const node = [process.execPath, ...flags]
  const [execPath, ...execArgv] = core === undefined ? node : pinned(core, node)
  const args = [PART, part, JSON.stringify(options)]
  const child = fork(fileURLToPath(url), args, { execPath, execArgv })
  const ended = once(child, 'exit')
  const answers = answersOf(child, part)
  return {
    next: () => answers.next(),
    ask(order) {
      child.send(order)
      return answers.next()
    },
    async close() {
      if (child.connected) child.disconnect()
      await ended
    },
  }
}

/**
 * Makes a module a program: `node FILE [--quick] [NAME ...]` prints what it measures, of the names
 * alone if there are any. Called by `openPart`, it runs that part instead. A part is given its options
 * and how to `listen` to orders.
 */
export async function asProgram(url, measure, parts = {}) {
  if (realpathSync(process.argv[1]) !== fileURLToPath(url)) return
  const [, , mode, name, options] = process.argv
  if (mode !== PART) return print(await measure(argumentsOf(process.argv.slice(2))))
  process.on('disconnect', async () => {
    await end()
    process.exit()
  })
  try {
    process.send({ answer: await parts[name](JSON.parse(options), listen) })
  } catch (error) {
    process.send({ error: error.stack })
  }
}

const PART = '--part'

function argumentsOf(args) {
  const names = args.filter(arg => !arg.startsWith('--'))
  return { quick: args.includes('--quick'), ...(names.length > 0 && { names }) }
}

/** What a part does before it ends. */
let end = () => undefined

/** Answers each order of the parent with what `work` returns for it, until the parent lets go. */
function listen(work, atEnd = () => undefined) {
  end = atEnd
  process.on('message', async order => {
    try {
      process.send({ answer: await work(order) })
    } catch (error) {
      process.send({ error: error.stack })
    }
  })
}

/** What the child sent, in turn. A child that ended without an answer is an error. */
function answersOf(child, part) {
  const come = []
  const waiting = []
  const deliver = () => {
    while (come.length > 0 && waiting.length > 0) settle(waiting.shift(), come.shift())
  }
  child.on('message', message => {
    come.push(message)
    deliver()
  })
  child.on('exit', (code, signal) => {
    come.push({ error: `the part ${part} ended without an answer: ${signal ?? code}` })
    deliver()
  })
  return {
    next: () =>
      new Promise((resolve, reject) => {
        waiting.push({ resolve, reject })
        deliver()
      }),
  }
}

function settle({ resolve, reject }, { answer, error }) {
  if (error === undefined) resolve(answer)
  else reject(new Error(error))
}

function print(rows) {
  process.stderr.write('\n')
  console.table(
    rows.map(({ compared, ...row }) => ({
      ...Object.fromEntries(Object.entries(row).map(([key, value]) => [key, rounded(value)])),
      ...(compared && { compared: `${compared.name}: ${rounded(compared.value)}` }),
    })),
  )
}

function rounded(value) {
  return typeof value === 'number' ? Number(value.toPrecision(4)) : value
}
