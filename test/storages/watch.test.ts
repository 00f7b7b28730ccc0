import { mkdtempSync, rmSync } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Manager, newSessionId, type Storage, StorageFile, StorageMemory } from 'gsession'
import { afterAll, describe, expect, it } from 'vitest'
import { begin } from '../helpers/core-sessions.ts'
import { eventually } from '../helpers/eventually.ts'
import { FileWorker } from '../helpers/file-workers.ts'
import { heldTime } from '../helpers/held-time.ts'
import { tempFolder } from '../helpers/temp-folder.ts'
import { watch } from '../helpers/watched.ts'

/** In which what must not happen would have happened: a file is looked at once a second. */
const A_WHILE = 1500

/** Of all of them: they run side by side. */
const folder = mkdtempSync(join(tmpdir(), 'gsession-watch-'))
afterAll(() => rmSync(folder, { recursive: true }))

const OPEN: Readonly<Record<string, (clock?: () => number) => () => Storage>> = {
  StorageMemory: (clock = Date.now) => {
    const storage = new StorageMemory({ clock })
    return () => storage
  },
  StorageFile: (clock = Date.now) => {
    const path = mkdtempSync(join(folder, 'of-'))
    return () => new StorageFile({ path, clock })
  },
}

describe.concurrent.each(Object.entries(OPEN))('a watch, %s', (_name, makeOpen) => {
  it('tells once of a session that is removed', async () => {
    await using manager = new Manager({ storage: makeOpen()() })
    const watched = [1, 2].map(async () => watch(manager, await begin(manager, { a: 1 })))
    const [removed, kept] = await Promise.all(watched)
    await manager.new(removed?.id).removeAll()
    await removed?.ended()
    await wait(A_WHILE)
    expect([removed?.count, kept?.count]).toEqual([1, 0])
  })

  it('tells of one that another manager removes', async () => {
    const open = makeOpen()
    await using manager = new Manager({ storage: open() })
    const other = new Manager({ storage: open() })
    const watched = watch(manager, await begin(other, { a: 1 }))
    await other.new(watched.id).removeAll()
    await watched.ended()
    expect(watched.count).toBe(1)
  })

  it('tells of an id that has moved, and not of one that is kept, nor of changes', async () => {
    await using manager = new Manager({ storage: makeOpen()() })
    const watched = watch(manager, await begin(manager, { a: 1 }))
    const session = manager.new(watched.id)
    await session.set('a', 2)
    await session.close()
    await manager.new(watched.id).update('a', () => 3)
    await manager.new(watched.id).regenerateId({ keepOld: true })
    await wait(A_WHILE)
    expect(watched.count).toBe(0)
    const newId = await manager.new(watched.id).regenerateId()
    await watched.ended()
    const moved = watch(manager, newId)
    await wait(A_WHILE)
    expect([watched.count, moved.count]).toEqual([1, 0])
  })

  it('tells of one that expires, at its time, and does not keep it alive', async () => {
    await using manager = new Manager({ storage: makeOpen()(), ttl: 600 })
    const began = performance.now()
    const watched = watch(manager, await begin(manager, { a: 1 }))
    await watched.ended()
    expect(performance.now() - began).toBeGreaterThanOrEqual(600)
    await wait(A_WHILE)
    expect(watched.count).toBe(1)
  })

  it('goes on while the session is used beyond its first end', async () => {
    const { clock, pass, letGo } = heldTime()
    await using manager = new Manager({ storage: makeOpen(clock)(), ttl: 400, clock })
    const watched = watch(manager, await begin(manager, { n: 0 }))
    for (let n = 1; n <= 6; n++) {
      pass(300)
      await manager.new(watched.id).update('n', () => n)
      // In which it is looked at: by its own clock, which stands still, it has not ended.
      await wait(500)
    }
    expect(watched.count).toBe(0)
    letGo()
    await watched.ended()
  })

  it('is one of a thousand at once', async () => {
    await using manager = new Manager({ storage: makeOpen()() })
    const ids = await Promise.all(Array.from({ length: 1000 }, () => begin(manager, { a: 1 })))
    const watched = ids.map(id => watch(manager, id))
    await Promise.all(ids.slice(0, 500).map(id => manager.new(id).removeAll()))
    await Promise.all(watched.slice(0, 500).map(each => each.ended()))
    const counts = watched.map(({ count }) => count)
    expect(counts).toEqual([...Array(500).fill(1), ...Array(500).fill(0)])
  })

  it('of one session may be many, and each is stopped alone', async () => {
    await using manager = new Manager({ storage: makeOpen()() })
    const id = await begin(manager, { a: 1 })
    const [one, two, three] = [watch(manager, id), watch(manager, id), watch(manager, id)]
    two.stop()
    await manager.new(id).removeAll()
    await Promise.all([one.ended(), three.ended()])
    expect([one.count, two.count, three.count]).toEqual([1, 0, 1])
  })

  it('ends without a word when the manager is closed', async () => {
    const open = makeOpen()
    const manager = new Manager({ storage: open() })
    const watched = watch(manager, await begin(manager, { a: 1 }))
    await manager.close()
    await wait(A_WHILE)
    expect(watched.count).toBe(0)
  })
})

describe('a watch, StorageMemory', () => {
  it('tells at once, but after the step that ended the session', async () => {
    const storage = new StorageMemory()
    const id = newSessionId()
    storage.create(id, new Map(), 60_000)
    const seen: number[] = []
    storage.watch(id, () => void seen.push(storage.size))
    storage.rotate(id, newSessionId(), { set: new Map(), removed: new Set() }, 60_000, false)
    expect(seen).toEqual([])
    await Promise.resolve()
    expect(seen).toEqual([1])
  })

  it('tells of one that is evicted, and does not protect it', async () => {
    await using manager = new Manager({ storage: new StorageMemory({ maxSessions: 2 }) })
    const [first, second] = [await begin(manager, { a: 1 }), await begin(manager, { a: 1 })]
    // The second look is long over when the third session comes.
    const [old, young] = [watch(manager, first), watch(manager, second)]
    await wait(10)
    await begin(manager, { a: 1 })
    await old.ended()
    expect(young.count).toBe(0)
  })

  it('leaves nothing behind when it is stopped', async () => {
    const storage = new StorageMemory()
    const looks: string[] = []
    const stop = storage.watch('a', () => looks.push('a'))
    storage.watch('b', () => looks.push('b'))
    stop()
    for (const id of ['a', 'b']) {
      storage.create(id, new Map(), 60_000)
      storage.destroy(id)
    }
    await Promise.resolve()
    expect(looks).toEqual(['b'])
  })
})

describe('a watch, StorageFile', () => {
  const timers = (): number =>
    process.getActiveResourcesInfo().filter(resource => resource === 'Timeout').length

  it('tells of a session that another process removes or moves', async () => {
    const path = tempFolder()
    const worker = await FileWorker.start(path)
    await using manager = new Manager({ storage: new StorageFile({ path }), idAtRest: 'plain' })
    const watched = watch(manager, await begin(manager, { a: 1 }))
    await worker.call('set', watched.id, 'a', 2)
    await wait(A_WHILE)
    expect(watched.count).toBe(0)
    await worker.call('removeAll', watched.id)
    await watched.ended()
    await wait(A_WHILE)
    expect(watched.count).toBe(1)
  })

  it('takes a folder that is gone for no end', async () => {
    const path = tempFolder()
    const errors: Error[] = []
    const onBackgroundError = (error: Error): void => void errors.push(error)
    const storage = new StorageFile({ path })
    await using manager = new Manager({ storage, onBackgroundError })
    const [one, two] = [await begin(manager, { a: 1 }), await begin(manager, { a: 1 })]
    const watched = [watch(manager, one), watch(manager, two)]
    await rename(path, `${path}-away`)
    await wait(A_WHILE)
    const late = watch(manager, one)
    await eventually(() => expect(errors).toHaveLength(1))
    expect(errors[0]).toMatchObject({ code: 'ERR_STORAGE' })
    await rename(`${path}-away`, path)
    await wait(A_WHILE)
    expect([...watched, late].map(({ count }) => count)).toEqual([0, 0, 0])
    // Somebody else empties it.
    rmSync(path, { recursive: true })
    await mkdir(path, { mode: 0o700 })
    await Promise.all([...watched, late].map(each => each.ended()))
  })

  it('keeps no timer that holds the process, and none at all when it is over', async () => {
    const before = timers()
    await using manager = new Manager({ storage: new StorageFile({ path: tempFolder() }) })
    const watched = watch(manager, await begin(manager, { a: 1 }))
    await wait(A_WHILE)
    expect(timers()).toBeLessThanOrEqual(before)
    watched.stop()
    await manager.new(watched.id).removeAll()
    await wait(A_WHILE)
    expect(watched.count).toBe(0)
  })
})
