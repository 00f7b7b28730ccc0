import { readFileSync } from 'node:fs'
import { Manager, newSessionId, StorageFile } from 'gsession'
import { describe, expect, it } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { DIED, FileWorker } from '../helpers/file-workers.ts'
import { tempFolder } from '../helpers/temp-folder.ts'
import { filesIn, locksIn } from './file-names.ts'

const HOUR = 3_600_000
const PROCESSES = 4

interface Shared {
  readonly folder: string
  readonly id: string
  /** This process's own view of the folder. */
  readonly manager: Manager
}

/** A folder with one session in it. */
async function share(): Promise<Shared> {
  const folder = tempFolder()
  const storage = new StorageFile({ path: folder })
  const manager = new Manager({ storage, idAtRest: 'plain', ttl: HOUR, timeout: 0 })
  const id = newSessionId()
  await storage.setSession(id, { old: true }, HOUR)
  return { folder, id, manager }
}

describe('processes that share a folder', () => {
  it('lose no update of one key', async () => {
    const { folder, id, manager } = await share()
    const workers = await FileWorker.startMany(PROCESSES, folder)
    const began = performance.now()
    await Promise.all(workers.map(worker => worker.call('increment', id, 500)))
    const taken = performance.now() - began
    console.log(`${PROCESSES} processes x 500 updates of one session: ${Math.round(taken)} ms`)
    expect(await manager.new(id).data()).toEqual({ old: true, n: 4 * 500 })
    expect(filesIn(folder)).toEqual([`${id}.session`])
    expect(locksIn(folder)).toEqual([])
  })

  it('lose no change of different keys', async () => {
    const { folder, id, manager } = await share()
    const workers = await FileWorker.startMany(PROCESSES, folder)
    const keysOf = (worker: number) => Array.from({ length: 100 }, (_, key) => `${worker}-${key}`)
    await Promise.all(workers.map((worker, index) => worker.call('setKeys', id, keysOf(index))))
    const data = await manager.new(id).data()
    const expected = [0, 1, 2, 3].flatMap(keysOf)
    expect(Object.keys(data).sort()).toEqual([...expected, 'old'].sort())
    for (const key of expected) expect(data[key]).toBe(key)
  })

  it('see what another one wrote at their next request, though they had the session in memory', async () => {
    const { folder, id, manager } = await share()
    const [writer, reader] = await FileWorker.startMany(2, folder)
    for (let n = 0; n < 200; n++) {
      await writer?.call('set', id, 'n', n)
      expect(await reader?.call('data', id)).toMatchObject({ n })
      expect(await manager.new(id).get('n')).toBe(n)
      await manager.new(id).update('here', () => n)
      expect(await reader?.call('data', id)).toEqual({ old: true, n, here: n })
    }
  })

  it('leave a session dead that another one logged out, though they had it open', async () => {
    const { folder, id, manager } = await share()
    const [first, second] = await FileWorker.startMany(2, folder)
    expect(await second?.call('open', id)).toEqual({ old: true })
    await manager.new(id).get('old')
    await first?.call('removeAll', id)
    await expect(second?.call('setInOpened', id, 'n', 1)).rejects.toThrow('ERR_GONE')
    expect(filesIn(folder)).toEqual([])
    expect(locksIn(folder)).toEqual([])
    expect(await manager.new(id).data()).toEqual({})
    expect(await second?.call('data', id)).toEqual({})
  })

  it('cannot bring back a session that is logged out while they write it', async () => {
    const { folder, manager } = await share()
    const storage = manager.storage
    const workers = await FileWorker.startMany(PROCESSES - 1, folder)
    for (let round = 0; round < 20; round++) {
      const id = newSessionId()
      await storage.setSession(id, { n: 0 }, HOUR)
      await Promise.all(workers.map(worker => worker.call('open', id)))
      const writes = workers.map(worker => worker.call('setInOpened', id, 'n', 1))
      const [outcome] = await Promise.all([Promise.allSettled(writes), manager.new(id).removeAll()])
      for (const write of outcome) {
        if (write.status === 'rejected') expect(String(write.reason)).toContain('ERR_GONE')
      }
      expect(filesIn(folder).filter(name => name.includes(id))).toEqual([])
    }
  })
})

describe('a process that dies with the lock in its hands', () => {
  it('holds up the others for a second or so, and nothing is lost', async () => {
    const { folder, id, manager } = await share()
    const [dying, ...others] = await FileWorker.startMany(PROCESSES, folder)
    await manager.new(id).update('n', () => 1)
    const before = readFileSync(`${folder}/${id}.session`)
    await expect(dying?.call('updateUnderSignal', id, 'n', 'SIGKILL')).rejects.toThrow(DIED)
    expect(filesIn(folder)).toEqual([`${id}.session`])
    expect(locksIn(folder)).toEqual([id])
    expect(readFileSync(`${folder}/${id}.session`)).toEqual(before)

    const began = performance.now()
    await Promise.all(others.map(worker => worker.call('increment', id, 10)))
    const taken = performance.now() - began
    console.log(`A lock of a killed process held up three others for ${Math.round(taken)} ms`)
    // On a quiet machine it is hardly more than a second.
    expect(taken).toBeLessThan(20_000)
    expect(await manager.new(id).data()).toEqual({ old: true, n: 31 })
    expect(filesIn(folder)).toEqual([`${id}.session`])
    expect(locksIn(folder)).toEqual([])
  })

  it('does not hold up those who read', async () => {
    const { folder, id, manager } = await share()
    const dying = await FileWorker.start(folder)
    await expect(dying.call('updateUnderSignal', id, 'n', 'SIGKILL')).rejects.toThrow(DIED)
    expect(await manager.new(id).data()).toEqual({ old: true })
    // Whoever waits for a dead process's lock takes it away.
    expect(locksIn(folder)).toEqual([id])
  })

  it('does not hold up one session after another', async () => {
    const { folder, manager } = await share()
    const ids = Array.from({ length: 8 }, newSessionId)
    for (const id of ids) await manager.storage.setSession(id, {}, HOUR)
    const workers = await FileWorker.startMany(ids.length, folder)
    const deaths = workers.map((worker, index) =>
      worker.call('updateUnderSignal', ids[index], 'n', 'SIGKILL'),
    )
    await Promise.allSettled(deaths)
    const began = performance.now()
    const waits = ids.map(async id => {
      await manager.new(id).update('n', () => 1)
      return performance.now() - began
    })
    const times = await Promise.all(waits)
    // One after another, the last one would wait eight times as long as the first.
    expect(Math.max(...times)).toBeLessThan(4 * Math.min(...times))
  })
})

describe('a process that is stopped with the lock in its hands', () => {
  it('starts again when others went on without it: its late save undoes nothing', async () => {
    const { folder, id, manager } = await share()
    const [stopped, other] = await FileWorker.startMany(2, folder)
    const updating = stopped?.call('updateUnderSignal', id, 'n', 'SIGSTOP')
    await eventually(() => expect(locksIn(folder)).toContain(id))
    await other?.call('increment', id, 5)
    expect(await manager.new(id).get('n')).toBe(5)
    stopped?.process.kill('SIGCONT')
    expect(await updating).toBe(6)
    expect(await manager.new(id).data()).toEqual({ old: true, n: 6 })
    expect(filesIn(folder)).toEqual([`${id}.session`])
    expect(locksIn(folder)).toEqual([])
  })

  it('cannot bring back a session that was logged out meanwhile', async () => {
    const { folder, id, manager } = await share()
    const [stopped, other] = await FileWorker.startMany(2, folder)
    await stopped?.call('open', id)
    const updating = stopped?.call('updateOpenedUnderSignal', id, 'n', 'SIGSTOP')
    await eventually(() => expect(locksIn(folder)).toContain(id))
    await other?.call('removeAll', id)
    stopped?.process.kill('SIGCONT')
    await expect(updating).rejects.toThrow('ERR_GONE')
    expect(await manager.new(id).data()).toEqual({})
    expect(filesIn(folder)).toEqual([])
    expect(locksIn(folder)).toEqual([])
  })
})
