// The processes of a run: servers and Redis on the first core, the load on the second.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { tempFolder } from './temp-folder.mjs'

const TASKSET = '/usr/bin/taskset'
/**
 * A server that waits for its next sample would forget what it has compiled; one that is in use does not
 * wait, and the others had their turns since.
 */
export const AS_IF_IN_USE = ['--no-flush-bytecode', '--no-memory-reducer']
/** Whether server and load have a core each; elsewhere the system places them. */
export const isPinned = existsSync(TASKSET)

/** A command that runs on that core. */
export function pinned(core, command) {
  return isPinned ? [TASKSET, '-c', String(core), ...command] : command
}

/**
 * Starts the server of a subject, and answers where it is and how to ask it something. The folder of its
 * files is there until the program ends: ext4 makes new files slowly for minutes after many were deleted.
 */
export async function startServer(subject, redisUrl) {
  const { folder } = tempFolder('bench')
  const server = start('./server.mjs', 0, [subject.name, redisUrl, folder], subject.name)
  const { port } = await server.next()
  return { ...server, subject, url: `http://127.0.0.1:${port}` }
}

/** Starts the load generator. */
export function startLoad() {
  return start('./load.mjs', 1, [], 'the load')
}

/** A process that answers each message with one. It ends when this one lets go. */
function start(file, core, args, name) {
  const [execPath, ...execArgv] = pinned(core, [process.execPath, ...AS_IF_IN_USE])
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), args, { execPath, execArgv })
  const { promise: ended, reject } = withReject()
  child.once('exit', code => reject(new Error(`${name}: its process has ended, with ${code}`)))
  const next = async () => {
    const waiting = new AbortController()
    try {
      const [answer] = await Promise.race([once(child, 'message', waiting), ended])
      return answer
    } finally {
      waiting.abort()
    }
  }
  return {
    pid: child.pid,
    next,
    ask(question) {
      if (child.connected) child.send(question)
      return next()
    },
    /** Lets go, and waits until it has ended. */
    async stop() {
      if (child.connected) child.disconnect()
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
  }
}

/** A promise that is rejected from outside; nobody may be waiting for it then. */
function withReject() {
  let reject
  const promise = new Promise((_resolve, rejectIt) => {
    reject = rejectIt
  })
  promise.catch(() => undefined)
  return { promise, reject }
}
