import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import {
  decodeData,
  encodeData,
  Manager,
  newSessionId,
  type SessionData,
  SessionError,
  StorageBase,
  StorageMemory,
  type WatchableStorage,
} from 'gsession'
import { describe, it } from 'vitest'
import { begin } from '../helpers/core-sessions.ts'
import { eventually } from '../helpers/eventually.ts'
import { makeGate } from '../helpers/gate.ts'
import { PATIENCE } from '../helpers/patience.ts'
import { watch } from '../helpers/watched.ts'

const run = promisify(execFile)
const DIST = new URL('../../dist/index.js', import.meta.url)
/** In which what must not happen would have happened. */
const A_WHILE = 300

/** Keeps whole sessions, and tells nothing. */
class StorageSilent extends StorageBase {
  readonly texts = new Map<string, string>()
  loads = 0

  override async getSession(id: string): Promise<SessionData | undefined> {
    this.loads++
    const text = this.texts.get(id)
    return text === undefined ? undefined : decodeData(text)
  }

  override async setSession(id: string, data: SessionData): Promise<void> {
    this.texts.set(id, encodeData(data))
  }

  override async removeAll(id: string): Promise<void> {
    this.texts.delete(id)
  }
}

/** Says when to look, and fails while it is told to. */
class StorageTelling extends StorageSilent implements WatchableStorage {
  readonly looks = new Set<() => void>()
  gate: Promise<void> | undefined
  isDown = false

  watch(_id: string, look: () => void): () => void {
    this.looks.add(look)
    return () => void this.looks.delete(look)
  }

  override async getSession(id: string): Promise<SessionData | undefined> {
    await this.gate
    if (this.isDown) throw new Error('It is down')
    return super.getSession(id)
  }

  tell(): void {
    for (const look of this.looks) look()
  }
}

describe.concurrent('manager.watch', () => {
  it('refuses what is no id', ({ expect }) => {
    const manager = new Manager({ storage: new StorageMemory() })
    const refused = expect.objectContaining({ code: 'ERR_ID' })
    expect(() => manager.watch('no id', () => {})).toThrow(refused)
  })

  it('tells soon of a session that does not exist', async ({ expect }) => {
    await using manager = new Manager({ storage: new StorageSilent() })
    const watched = watch(manager, newSessionId())
    expect(watched.count).toBe(0)
    await watched.ended()
  })

  it('sees an end by looking again when the storage tells nothing', async ({ expect }) => {
    await using manager = new Manager({ storage: new StorageSilent() })
    const watched = watch(manager, await begin(manager, { a: 1 }))
    await manager.new(watched.id).set('a', 2)
    await manager.new(watched.id).removeAll()
    await watched.ended()
    await wait(A_WHILE)
    expect(watched.count).toBe(1)
  })

  it('believes no storage that only says so, and tells once however often it does', async ({
    expect,
  }) => {
    const storage = new StorageTelling()
    await using manager = new Manager({ storage })
    const watched = watch(manager, await begin(manager, { a: 1 }))
    for (let n = 0; n < 5; n++) storage.tell()
    await wait(A_WHILE)
    expect(watched.count).toBe(0)
    await manager.new(watched.id).removeAll()
    for (let n = 0; n < 5; n++) storage.tell()
    await watched.ended()
    storage.tell()
    await wait(A_WHILE)
    expect(watched.count).toBe(1)
    expect(storage.looks.size).toBe(0)
  })

  it('looks again when it is told to while it looks', async ({ expect }) => {
    const storage = new StorageTelling()
    await using manager = new Manager({ storage })
    const watched = watch(manager, await begin(manager, { a: 1 }))
    await wait(A_WHILE)
    const { loads } = storage
    storage.tell()
    storage.tell()
    storage.tell()
    await eventually(() => expect(storage.loads).toBe(loads + 2))
    expect(watched.count).toBe(0)
  })

  it('is stopped while it looks', async ({ expect }) => {
    const storage = new StorageTelling()
    await using manager = new Manager({ storage })
    const gate = makeGate()
    storage.gate = gate.opened
    const watched = watch(manager, newSessionId())
    watched.stop()
    watched.stop()
    gate.open()
    await wait(A_WHILE)
    expect(watched.count).toBe(0)
    expect(storage.looks.size).toBe(0)
  })

  it('may be stopped by who is told', async ({ expect }) => {
    await using manager = new Manager({ storage: new StorageMemory() })
    let count = 0
    const stop = manager.watch(newSessionId(), () => {
      count++
      stop()
    })
    await eventually(() => expect(count).toBe(1))
  })

  it('takes a storage that is down for no end, reports that once, and sees the end when it is back', async ({
    expect,
  }) => {
    const storage = new StorageTelling()
    const errors: Error[] = []
    const onBackgroundError = (error: Error): void => void errors.push(error)
    await using manager = new Manager({ storage, onBackgroundError })
    const watched = watch(manager, await begin(manager, { a: 1 }))
    await wait(A_WHILE)
    storage.isDown = true
    storage.texts.clear()
    for (let n = 0; n < 5; n++) {
      storage.tell()
      await wait(20)
    }
    expect(watched.count).toBe(0)
    expect(errors).toEqual([expect.objectContaining({ code: 'ERR_STORAGE' })])
    storage.isDown = false
    await watched.ended()
    expect(errors).toHaveLength(1)
  })

  it('looks at the session all the same when the storage fails to tell, and reports that once', async ({
    expect,
  }) => {
    const storage = new StorageTelling()
    storage.watch = () => {
      throw new Error('It cannot subscribe')
    }
    const errors: Error[] = []
    const onBackgroundError = (error: Error): void => void errors.push(error)
    await using manager = new Manager({ storage, onBackgroundError })
    const watched = watch(manager, await begin(manager, { a: 1 }))
    await eventually(() => expect(storage.loads).toBeGreaterThan(0))
    await manager.new(watched.id).removeAll()
    // Sooner than it is looked at when the storage has promised to tell.
    await watched.ended()
    expect(errors).toEqual([expect.objectContaining({ code: 'ERR_STORAGE' })])
    expect(errors[0]?.message).toContain('It cannot subscribe')
  })

  it('reports one failure of a storage that is down, and cannot tell either', async ({
    expect,
  }) => {
    const storage = new StorageTelling()
    storage.isDown = true
    storage.watch = () => {
      throw new Error('It cannot subscribe')
    }
    const errors: Error[] = []
    const onBackgroundError = (error: Error): void => void errors.push(error)
    await using manager = new Manager({ storage, onBackgroundError })
    const watched = watch(manager, newSessionId())
    await wait(A_WHILE)
    expect([watched.count, errors.length]).toEqual([0, 1])
    storage.isDown = false
    await watched.ended()
  })

  it('is stopped when the storage fails to stop telling, and reports that', async ({ expect }) => {
    const storage = new StorageTelling()
    storage.watch = () => () => {
      throw new Error('It cannot unsubscribe')
    }
    const errors: Error[] = []
    const onBackgroundError = (error: Error): void => void errors.push(error)
    const manager = new Manager({ storage, onBackgroundError })
    const stopped = watch(manager, await begin(manager, { a: 1 }))
    const [first, second] = [watch(manager, stopped.id), watch(manager, stopped.id)]
    stopped.stop()
    stopped.stop()
    expect(errors).toEqual([expect.objectContaining({ code: 'ERR_STORAGE' })])
    await manager.close()
    await wait(A_WHILE)
    expect(errors).toHaveLength(3)
    expect([stopped, first, second].map(({ count }) => count)).toEqual([0, 0, 0])
  })

  it('goes on with the storage of its beginning when the manager gets another', async ({
    expect,
  }) => {
    const [storage, other] = [new StorageMemory(), new StorageMemory()]
    await using manager = new Manager({ storage, idAtRest: 'plain' })
    const watched = watch(manager, await begin(manager, { a: 1 }))
    manager.storage = other
    await wait(A_WHILE)
    expect(watched.count).toBe(0)
    storage.destroy(watched.id)
    await watched.ended()
  })

  it('hears nothing more of a storage that is closed, and reports that', async ({ expect }) => {
    const storage = new StorageMemory()
    const codes: unknown[] = []
    const onBackgroundError = (error: Error): void => {
      codes.push(error instanceof SessionError ? error.code : error)
    }
    await using manager = new Manager({ storage: new StorageMemory(), onBackgroundError })
    const other = new Manager({ storage, onBackgroundError })
    const id = await begin(other, { a: 1 })
    await storage.close()
    const watched = watch(other, id)
    await eventually(() => expect(codes).toEqual(['ERR_CLOSED']))
    await wait(A_WHILE)
    expect([watched.count, codes.length]).toEqual([0, 1])
    expect(manager.storage).not.toBe(storage)
  })

  it('ends with the manager, and nobody is told', async ({ expect }) => {
    const storage = new StorageTelling()
    const manager = new Manager({ storage })
    const gate = makeGate()
    storage.gate = gate.opened
    const watched = Array.from({ length: 10 }, () => watch(manager, newSessionId()))
    await manager.close()
    watched.push(watch(manager, newSessionId()))
    gate.open()
    await wait(A_WHILE)
    expect(watched.map(({ count }) => count)).toEqual(watched.map(() => 0))
    expect(storage.looks.size).toBe(0)
    for (const { stop } of watched) stop()
  })
})

describe('a process that only watches', () => {
  it.each(['new StorageMemory()', 'new StorageFile({ path: process.argv[1] })'])(
    'ends by itself, %s',
    async storage => {
      if (!existsSync(DIST)) throw new Error('dist is missing: run npm run build first')
      const program = `
        import { Manager, StorageFile, StorageMemory } from ${JSON.stringify(DIST.href)}
        import { mkdtempSync, rmSync } from 'node:fs'
        const folder = mkdtempSync('/tmp/gsession-watch-')
        process.argv[1] = folder
        process.on('exit', () => rmSync(folder, { recursive: true }))
        const manager = new Manager({ storage: ${storage} })
        const session = manager.new()
        await session.set('a', 1)
        await session.close()
        manager.watch(await session.id(), () => console.log('ended'))
        await new Promise(resolve => setImmediate(resolve))
        console.log('watched')`
      const args = ['--input-type=module', '-e', program]
      const { stdout } = await run(process.execPath, args, { timeout: PATIENCE })
      if (stdout !== 'watched\n') throw new Error(`It said ${stdout}`)
    },
  )
})
