import { type ChildProcess, spawn } from 'node:child_process'
import { renameSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Changes, Manager, newSessionId, StorageFile } from 'gsession'
import { describe, expect, it, onTestFinished } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { DIED, FileWorker } from '../helpers/file-workers.ts'
import { tempFolder } from '../helpers/temp-folder.ts'
import { filesIn, lockFolder, locksIn } from './file-names.ts'

const HOUR = 3_600_000
const DIST = fileURLToPath(new URL('../../dist/index.js', import.meta.url))
const INCREMENT = "manager.new(id).update('n', (n = 0) => n + 1)"
const NO_CHANGES: Changes = { set: new Map(), removed: new Set() }

/** What a process is about to do: how to know the call among those that rename and remove. */
const CALLS = {
  'storing a record': "to.endsWith('.session')",
  'removing a record': "from.endsWith('.session')",
  "taking away a dead process's lock": "name === 'unlinkSync' && from.endsWith('.lock')",
} as const

/**
 * A process that stops as by SIGSTOP right before a system call, after all that it looked at first.
 * It then tells how that call ended, and what its work answered.
 */
class StoppingProcess {
  readonly #process: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(folder: string, id: string, call: keyof typeof CALLS, work: string) {
    const file = join(tempFolder(), 'program.mjs')
    writeFileSync(
      file,
      `import fs from 'node:fs'
      import { syncBuiltinESMExports } from 'node:module'
      const tell = answer => fs.writeSync(1, JSON.stringify(answer ?? null) + '\\n')
      let isArmed = true
      for (const name of ['renameSync', 'unlinkSync']) {
        const real = fs[name]
        fs[name] = (from, to = '') => {
          if (!isArmed || !(${CALLS[call]})) return real(from, to)
          isArmed = false
          tell('stopped')
          process.kill(process.pid, 'SIGSTOP')
          try {
            real(from, to)
            tell('done')
          } catch (error) {
            tell(error.code)
            throw error
          }
        }
      }
      syncBuiltinESMExports()
      const { Manager, StorageFile } = await import(${JSON.stringify(DIST)})
      const id = ${JSON.stringify(id)}
      const storage = new StorageFile({ path: ${JSON.stringify(folder)} })
      const manager = new Manager({ storage, idAtRest: 'plain', timeout: 0 })
      tell(await ${work})`,
    )
    this.#process = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => void this.#process.kill('SIGKILL'))
    const { stdout } = this.#process
    if (stdout === null) throw new Error('The process has no output')
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]()
  }

  /** What it tells next. */
  async says(): Promise<unknown> {
    const { value, done } = await this.#lines.next()
    if (done === true) throw new Error('The process ended')
    return JSON.parse(value)
  }

  goOn(): void {
    this.#process.kill('SIGCONT')
  }
}

interface Shared {
  readonly folder: string
  readonly id: string
  readonly storage: StorageFile
  readonly manager: Manager
}

/** A folder with one session in it. */
async function share(): Promise<Shared> {
  const folder = tempFolder()
  const storage = new StorageFile({ path: folder })
  const id = newSessionId()
  await storage.setSession(id, { old: true }, HOUR)
  const manager = new Manager({ storage, idAtRest: 'plain', ttl: HOUR, timeout: 0 })
  onTestFinished(() => manager.close())
  return { folder, id, storage, manager }
}

function changeTimeOfLock(folder: string, id: string): number | undefined {
  return statSync(join(lockFolder(folder), `${id}.lock`), { throwIfNoEntry: false })?.mtimeMs
}

/** A process that stops in the middle of an update, with nothing written yet, once it has the lock. */
async function holdLock(
  folder: string,
  id: string,
): Promise<{ readonly locked: number | undefined; finish(): Promise<unknown> }> {
  const before = changeTimeOfLock(folder, id)
  const worker = await FileWorker.start(folder)
  const updating = worker.call('updateUnderSignal', id, 'n', 'SIGSTOP')
  // It ends with the test when that fails before it finishes.
  updating.catch(() => undefined)
  const isTaken = (): boolean => ![undefined, before].includes(changeTimeOfLock(folder, id))
  await eventually(() => expect(isTaken()).toBe(true))
  const finish = (): Promise<unknown> => {
    worker.process.kill('SIGCONT')
    return updating
  }
  return { locked: changeTimeOfLock(folder, id), finish }
}

describe.skipIf(process.platform === 'win32')('a process stopped for longer than the lease', () => {
  for (const [when, updates] of [
    ['by the one that took its lock away', 0],
    ['by a later one', 5],
  ] as const) {
    it(`right before it stores stores no half record that was begun ${when}`, async () => {
      const { folder, id, manager } = await share()
      const late = new StoppingProcess(folder, id, 'storing a record', INCREMENT)
      expect(await late.says()).toBe('stopped')
      for (let n = 1; n <= updates; n++) await manager.new(id).update('n', () => n)
      const holder = await holdLock(folder, id)

      late.goOn()
      expect(await late.says()).toBe('ENOENT')
      const { n = 0, ...rest } = await manager.new(id).data()
      expect(rest).toEqual({ old: true })
      expect(n).toBe(updates)
      expect(await late.says()).toBe(updates + 1)
      expect(await holder.finish()).toBe(updates + 2)
      expect(await manager.new(id).data()).toEqual({ old: true, n: updates + 2 })
      expect([filesIn(folder), locksIn(folder)]).toEqual([[`${id}.session`], []])
    })
  }

  it('right before it removes an expired session removes no newer one', async () => {
    const { folder, id, storage } = await share()
    const past = new StorageFile({ path: folder, clock: () => Date.now() - 2 * HOUR })
    await past.setSession(id, { old: true }, HOUR)
    utimesSync(join(folder, `${id}.session`), 1, 1)
    const work = `(await storage.load('another', ${HOUR}), storage.sweep())`
    const late = new StoppingProcess(folder, id, 'removing a record', work)
    expect(await late.says()).toBe('stopped')
    expect(await storage.create(id, new Map([['new', 'true']]), HOUR)).toBe(true)

    late.goOn()
    expect(await late.says()).toBe('ENOENT')
    expect(await late.says()).toBe(0)
    expect(await storage.getSession(id, HOUR)).toEqual({ new: true })
    expect([filesIn(folder), locksIn(folder)]).toEqual([[`${id}.session`], []])
  })

  it('right before it removes a session removes the one that is there then', async () => {
    const { folder, id, manager } = await share()
    const work = 'manager.new(id).removeAll()'
    const late = new StoppingProcess(folder, id, 'removing a record', work)
    expect(await late.says()).toBe('stopped')
    await manager.new(id).update('n', () => 1)

    late.goOn()
    expect([await late.says(), await late.says()]).toEqual(['ENOENT', null])
    expect(await manager.new(id).data()).toEqual({})
    expect([filesIn(folder), locksIn(folder)]).toEqual([[], []])
  })

  for (const newId of ['-first', 'zzz-last']) {
    it(`right before it removes the old id of a rotation loses no change under it: ${newId}`, async () => {
      const { folder, id: old, storage } = await share()
      // Two records are locked in the order of their ids: each may be the one that is lost.
      const id = `m${old.slice(1)}`
      await storage.setSession(id, { old: true }, HOUR)
      const work = `storage.rotate(id, '${newId}', { set: new Map(), removed: new Set() }, ${HOUR}, false)`
      const late = new StoppingProcess(folder, id, 'removing a record', work)
      expect(await late.says()).toBe('stopped')
      const change = { ...NO_CHANGES, set: new Map([['n', '1']]) }
      expect(await storage.merge(id, change, HOUR)).toBe(true)

      late.goOn()
      expect([await late.says(), await late.says()]).toEqual(['ENOENT', 'taken'])
      expect(await storage.getSession(id, HOUR)).toEqual({ old: true, n: 1 })
      expect(await storage.getSession(newId, HOUR)).toEqual({ old: true })
      expect(locksIn(folder)).toEqual([])
    })
  }

  it("right before it takes away a dead process's lock takes no other one", async () => {
    const { folder, id, manager } = await share()
    const dying = await FileWorker.start(folder)
    await expect(dying.call('updateUnderSignal', id, 'n', 'SIGKILL')).rejects.toThrow(DIED)
    const call = "taking away a dead process's lock"
    const late = new StoppingProcess(folder, id, call, INCREMENT)
    expect(await late.says()).toBe('stopped')
    const holder = await holdLock(folder, id)

    late.goOn()
    expect(await late.says()).toBe('ENOENT')
    expect(changeTimeOfLock(folder, id)).toBe(holder.locked)
    expect(await late.says()).toBe(1)
    expect(await holder.finish()).toBe(2)
    expect(await manager.new(id).data()).toEqual({ old: true, n: 2 })
    expect([filesIn(folder), locksIn(folder)]).toEqual([[`${id}.session`], []])
  })
})

describe('a process that lives, while others take away the lock of a dead one', () => {
  /** What they do first: from then on no path that a lock had before leads anywhere. */
  function beginGeneration(folder: string): void {
    const next = `${String(Date.now() + 1000).padStart(15, '0')}-01234567`
    renameSync(lockFolder(folder), join(dirname(lockFolder(folder)), next))
  }

  function mergeWhile(storage: StorageFile, id: string, others: () => void): Promise<boolean> {
    const fn = (): string => {
      others()
      return '1'
    }
    return storage.merge(id, { ...NO_CHANGES, update: { key: 'n', fn } }, HOUR)
  }

  it('stores what it was about to store', async () => {
    const { folder, id, storage } = await share()
    expect(await mergeWhile(storage, id, () => beginGeneration(folder))).toBe(true)
    expect(await storage.getSession(id, HOUR)).toEqual({ old: true, n: 1 })
    expect(locksIn(folder)).toEqual([])
  })

  it('gives up its lock when it stores nothing', async () => {
    const { folder, id, storage } = await share()
    const failing = mergeWhile(storage, id, () => {
      beginGeneration(folder)
      throw new Error('No')
    })
    await expect(failing).rejects.toThrow('No')
    expect(locksIn(folder)).toEqual([])
  })

  it('starts again when its own lock may be meant', async () => {
    const { folder, id, storage } = await share()
    let runs = 0
    const merging = mergeWhile(storage, id, () => {
      if (++runs > 1) return
      const end = performance.now() + 600
      while (performance.now() < end);
      beginGeneration(folder)
    })
    expect(await merging).toBe(true)
    // A busy machine may hold up the second one for that long, too.
    expect(runs).toBeGreaterThan(1)
    expect(await storage.getSession(id, HOUR)).toEqual({ old: true, n: 1 })
    expect(locksIn(folder)).toEqual([])
  })

  it('finds its way at the next use', async () => {
    const { folder, id, storage } = await share()
    for (const call of [
      () => storage.merge(id, NO_CHANGES, HOUR),
      () => storage.rotate(id, 'another', NO_CHANGES, HOUR, true),
      () => storage.destroy(id),
      () => storage.sweep(),
    ]) {
      beginGeneration(folder)
      await call()
      expect(locksIn(folder)).toEqual([])
    }
    expect(filesIn(folder)).toEqual(['another.session'])
  })
})
