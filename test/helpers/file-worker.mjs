// A process of its own that uses a session folder. Runs what it is told to over IPC: see file-workers.ts.
import { writeSync } from 'node:fs'
import { Manager, StorageFile } from '../../dist/index.js'

const storage = new StorageFile(JSON.parse(process.argv[2]))
// What waits for hundreds of others, on a busy machine, may take any time.
const manager = new Manager({ storage, idAtRest: 'plain', timeout: 0 })
/** Sessions that stay open between two commands, as requests in flight do. */
const opened = new Map()

const commands = {
  async increment(id, times) {
    const one = () => manager.new(id).update('n', (n = 0) => n + 1)
    await Promise.all(Array.from({ length: times }, one))
  },

  /** Sets one key after another, each in a session of its own, all at once. */
  async setKeys(id, keys) {
    const setKey = async key => {
      const session = manager.new(id)
      await session.set(key, key)
      await session.close()
    }
    await Promise.all(keys.map(setKey))
  },

  data: id => manager.new(id).data(),
  set: (id, key, value) => commands.setIn(manager.new(id), key, value),
  removeAll: id => manager.new(id).removeAll(),

  async open(id) {
    opened.set(id, manager.new(id))
    return opened.get(id).data()
  },
  setInOpened: (id, key, value) => commands.setIn(opened.get(id), key, value),

  async setIn(session, key, value) {
    await session.set(key, value)
    await session.close()
  },

  /** Takes a signal in the middle of an update, with the lock held. */
  updateUnderSignal: (id, ...how) => commands.updateIn(manager.new(id), ...how),
  updateOpenedUnderSignal: (id, ...how) => commands.updateIn(opened.get(id), ...how),
  updateIn(session, key, signal) {
    let isFirst = true
    return session.update(key, (n = 0) => {
      if (isFirst) process.kill(process.pid, signal)
      isFirst = false
      return n + 1
    })
  },

  /** Writes one version after another, and tells of each once it is stored. Never ends. */
  async write(id, from) {
    for (let version = from; ; version++) {
      await writeVersion(id, version)
      // Straight to the pipe: what is queued in this process would die with it.
      writeSync(1, `${version}\n`)
    }
  },

  async writeVersions(id, from, to) {
    for (let version = from; version <= to; version++) await writeVersion(id, version)
  },

  /** Reads until a version is reached. Answers what was wrong with what it saw. */
  async readUntil(id, last) {
    const faults = { absent: 0, torn: 0, backwards: 0, errors: 0, reads: 0, seen: 0 }
    for (let seen = 0; seen < last; faults.reads++) {
      try {
        const { version, blob } = await manager.new(id).data()
        if (version === undefined) faults.absent++
        else if (blob !== blobOf(version)) faults.torn++
        else if (version < seen) faults.backwards++
        if (version > seen) faults.seen++
        seen = Math.max(seen, version ?? 0)
      } catch {
        faults.errors++
      }
      if (faults.reads % 20 === 0) await new Promise(resolve => setImmediate(resolve))
    }
    return faults
  },
}

async function writeVersion(id, version) {
  const session = manager.new()
  session.setId(id)
  await session.setMap({ version, blob: blobOf(version) })
  await session.close()
}

/** 200 kB that are different for each version. */
function blobOf(version) {
  return `${version};`.repeat(200_000).slice(0, 200_000)
}

process.on('message', async ({ number, command, args }) => {
  try {
    process.send({ number, result: await commands[command](...args) })
  } catch (error) {
    process.send({ number, failure: error.code ?? String(error) })
  }
})
process.on('disconnect', () => process.exit())
process.send('ready')
