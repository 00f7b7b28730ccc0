import { randomBytes } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type EncryptionKey, Manager, StorageFile, type StorageFileOptions } from 'gsession'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { tempFolder } from '../helpers/temp-folder.ts'
import { filesIn, lockFolder, locksIn } from './file-names.ts'

vi.mock('node:timers', async () => {
  const { nodeTimers } = await import('../helpers/global-timers.ts')
  return { default: nodeTimers }
})

const SECOND = 1000
const HOUR = 3600 * SECOND
const DAY = 24 * HOUR
const YEAR = 365 * DAY

/** A clock that stands still until it is moved. */
class TestClock {
  now = Date.now()
  readonly tell = (): number => this.now
}

interface Swept {
  readonly folder: string
  readonly clock: TestClock
  readonly storage: StorageFile
}

function open(options: StorageFileOptions = {}): Swept {
  const folder = tempFolder()
  const clock = new TestClock()
  return {
    folder,
    clock,
    storage: new StorageFile({ clock: clock.tell, ...options, path: folder }),
  }
}

/** The bytes of a session file, as GoFrame writes it. */
function fileOf(usedAt: number, json = '{"a":1}'): Buffer {
  const header = Buffer.alloc(8)
  header.writeBigInt64LE(BigInt(usedAt))
  return Buffer.concat([header, Buffer.from(json)])
}

function usedAt(path: string): number {
  return Number(readFileSync(path).readBigInt64LE())
}

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe('a sweep', () => {
  it('removes the expired, and keeps the living', async () => {
    const { folder, clock, storage } = open()
    for (const id of ['old-1', 'old-2']) await storage.setSession(id, { a: 1 }, HOUR)
    clock.now += HOUR / 2
    await storage.setSession('young', { a: 1 }, HOUR)
    clock.now += HOUR / 2
    expect(await storage.sweep()).toBe(0)
    clock.now += SECOND
    expect(await storage.sweep()).toBe(2)
    expect(filesIn(folder)).toEqual(['young.session'])
    expect(await storage.sweep()).toBe(0)
  })

  it('removes the expired that are encrypted', async () => {
    const { folder, clock, storage } = open({ encryption: { keys: [randomBytes(32)] } })
    await storage.setSession('old', { a: 1 }, HOUR)
    clock.now += HOUR + SECOND
    expect(await storage.sweep()).toBe(1)
    expect(filesIn(folder)).toEqual([])
  })

  it('believes the record, not the time of its file', async () => {
    const { folder, clock, storage } = open()
    await storage.setSession('one', { a: 1 }, HOUR)
    utimesSync(join(folder, 'one.session'), 1, 1)
    clock.now += HOUR
    expect(await storage.sweep()).toBe(0)
    expect(await storage.getSession('one', HOUR)).toEqual({ a: 1 })
  })

  it('removes nothing before the storage was told how long sessions live', async () => {
    const { folder, clock, storage } = open()
    await storage.setSession('one', { a: 1 }, HOUR)
    clock.now += 60 * SECOND
    const other = new StorageFile({ path: folder, clock: clock.tell })
    expect(await other.sweep()).toBe(0)
    await other.removeAll('another')
    expect(await other.sweep()).toBe(0)
    expect(await storage.getSession('one', HOUR)).toEqual({ a: 1 })
  })

  it('keeps to the longest of several ttls', async () => {
    const { folder, clock, storage } = open()
    await storage.setSession('one', { a: 1 }, 2 * HOUR)
    await storage.setSession('two', { a: 1 }, HOUR)
    clock.now += HOUR + SECOND
    expect(await storage.sweep()).toBe(0)
    clock.now += HOUR
    expect(await storage.sweep()).toBe(2)
    expect(filesIn(folder)).toEqual([])
  })

  it('keeps a session that another process uses between the look and the lock', async () => {
    const folder = tempFolder()
    const clock = new TestClock()
    const before = clock.now
    const path = join(folder, 'one.session')
    let whenLooked: (() => void) | undefined
    const tell = (): number => {
      whenLooked?.()
      return clock.now
    }
    const storage = new StorageFile({ path: folder, clock: tell })
    await storage.setSession('one', { a: 1 }, HOUR)
    clock.now += HOUR + SECOND
    // Another process is about to refresh the session: the sweeper has to wait for the lock.
    const lock = join(lockFolder(folder), 'one.lock')
    writeFileSync(lock, fileOf(before + HOUR))
    const looked = new Promise<void>(resolve => {
      whenLooked = resolve
    })
    const sweeping = storage.sweep()
    await looked
    renameSync(lock, path)
    expect(await sweeping).toBe(0)
    expect(await storage.getSession('one', HOUR)).toEqual({ a: 1 })
    expect(usedAt(path)).toBe(before + HOUR)
  })

  it('clears the locks of processes long dead, and no others', async () => {
    const { folder, storage } = open()
    await storage.setSession('one', { a: 1 }, HOUR)
    const old = (Date.now() - 120 * SECOND) / SECOND
    for (const id of ['old-1', 'old-2', 'new']) {
      const path = join(lockFolder(folder), `${id}.lock`)
      writeFileSync(path, 'half a rec')
      if (id !== 'new') utimesSync(path, old, old)
    }
    expect(await storage.sweep()).toBe(0)
    expect(locksIn(folder)).toEqual(['new'])
    expect(filesIn(folder)).toEqual(['one.session'])
  })

  it('leaves alone a lock that looks old but changes', async () => {
    const { folder, storage } = open()
    await storage.setSession('one', { a: 1 }, HOUR)
    const path = join(lockFolder(folder), 'held.lock')
    writeFileSync(path, '')
    utimesSync(path, 1, 1)
    // As where a clock was set: it looks old, but its holder is at work.
    let time = 2
    const working = setInterval(() => utimesSync(path, time, time++), 10)
    await storage.sweep()
    clearInterval(working)
    expect(locksIn(folder)).toEqual(['held'])
  })

  it('clears what was put aside as unreadable 30 days ago, and nothing younger', async () => {
    const { folder, storage } = open()
    const path = join(folder, 'one.session')
    writeFileSync(path, fileOf(1, '[1]'))
    utimesSync(path, 1, 1)
    await expect(storage.getSession('one', HOUR)).rejects.toMatchObject({ code: 'ERR_UNREADABLE' })
    const now = Date.now()
    const time = vi.spyOn(Date, 'now').mockReturnValue(now + 30 * DAY - SECOND)
    await storage.sweep()
    expect(filesIn(folder)).toEqual(['one.unreadable'])
    time.mockReturnValue(now + 30 * DAY + SECOND)
    expect(await storage.sweep()).toBe(0)
    expect(filesIn(folder)).toEqual([])
  })

  it('leaves alone what is not its own', async () => {
    const { folder, clock, storage } = open()
    await storage.setSession('one', { a: 1 }, HOUR)
    unlinkSync(join(folder, 'one.session'))
    const foreign = [
      'yarn.lock',
      'notes.txt',
      'session',
      '.session',
      '.session.lock',
      'a b.session',
      'a.b.session',
      'one.session.bak',
      'one.unreadable',
      'é.session',
      `${'x'.repeat(129)}.session`,
    ]
    for (const name of foreign) writeFileSync(join(folder, name), fileOf(1))
    mkdirSync(join(folder, 'folder.session'))
    mkdirSync(join(folder, 'folder.session.lock'))
    symlinkSync(join(folder, 'notes.txt'), join(folder, 'link.session'))
    const names = filesIn(folder)
    for (const name of names) if (!name.startsWith('link')) utimesSync(join(folder, name), 1, 1)
    clock.now += YEAR
    expect(await storage.sweep()).toBe(0)
    expect(filesIn(folder)).toEqual(names)
  })

  it('puts aside an unreadable record, and goes on with the others', async () => {
    const { folder, clock, storage } = open()
    for (const id of ['a', 'c']) await storage.setSession(id, { a: 1 }, HOUR)
    writeFileSync(join(folder, 'b.session'), fileOf(1, '[1]'))
    for (const name of filesIn(folder)) utimesSync(join(folder, name), 1, 1)
    clock.now += HOUR + SECOND
    await expect(storage.sweep()).rejects.toMatchObject({ code: 'ERR_UNREADABLE' })
    expect(filesIn(folder)).toEqual(['b.unreadable'])
    expect(await storage.sweep()).toBe(0)
  })

  it('gives other work its turn', async () => {
    const { folder, clock, storage } = open()
    await storage.setSession('one', { a: 1 }, HOUR)
    const bytes = fileOf(clock.now)
    for (let n = 0; n < 5000; n++) writeFileSync(join(folder, `file-${n}.session`), bytes)
    clock.now += HOUR + 60 * SECOND
    let turns = 0
    let longest = 0
    let last = performance.now()
    const timer = setInterval(() => {
      const now = performance.now()
      longest = Math.max(longest, now - last)
      last = now
      turns++
    }, 0)
    const began = performance.now()
    try {
      expect(await storage.sweep()).toBe(5001)
    } finally {
      clearInterval(timer)
    }
    const taken = Math.round(performance.now() - began)
    console.log(
      `5,001 removed in ${taken} ms, ${turns} turns, ${Math.round(longest)} ms at longest`,
    )
    expect(turns).toBeGreaterThan(10)
    expect(filesIn(folder)).toEqual([])
  })

  it('happens by itself, and not after the storage is closed', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { folder, clock, storage } = open({ sweepInterval: '10s' })
    const file = join(folder, 'one.session')
    await storage.setSession('one', { a: 1 }, HOUR)
    clock.now += HOUR + SECOND
    vi.advanceTimersByTime(10 * SECOND)
    await eventually(() => expect(existsSync(file)).toBe(false))
    await storage.setSession('one', { a: 1 }, HOUR)
    await eventually(() => expect(vi.getTimerCount()).toBe(1))
    await storage.close()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('the sliding of a ttl', () => {
  interface Used {
    readonly file: string
    readonly clock: TestClock
    readonly manager: Manager
    /** Uses the session, in a request of its own. */
    use(): Promise<void>
    /** Lets time pass, with all its timers. */
    pass(milliseconds: number): Promise<void>
  }

  async function openUsed(keys?: readonly EncryptionKey[]): Promise<Used> {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { folder, clock, storage } = open(keys === undefined ? {} : { encryption: { keys } })
    // The real files do not keep pace with the timers, which are pushed.
    const options = { ttl: HOUR, idAtRest: 'plain', clock: clock.tell, timeout: 0 } as const
    const manager = new Manager({ ...options, storage })
    await storage.setSession('one', { a: 1 }, HOUR)
    return {
      file: join(folder, 'one.session'),
      clock,
      manager,
      async use() {
        const session = manager.new('one')
        expect(await session.get('a')).toBe(1)
        await session.close()
      },
      async pass(milliseconds) {
        clock.now += milliseconds
        await vi.advanceTimersByTimeAsync(milliseconds)
      },
    }
  }

  it('is written at most once an interval, however often a session is used', async () => {
    const { file, use, pass, manager, clock } = await openUsed()
    const look = (): string => `${statSync(file).ino} ${statSync(file).mtimeMs}`
    const looks = [look()]
    for (let tenth = 0; tenth < 600; tenth++) {
      await pass(100)
      await use()
      if (look() !== looks.at(-1)) looks.push(look())
    }
    const writes = looks.length - 1
    console.log(`600 uses within 60 s of one session: ${writes} writes`)
    expect(writes).toBeGreaterThanOrEqual(4)
    expect(writes).toBeLessThanOrEqual(6)
    expect(clock.now - usedAt(file)).toBeLessThanOrEqual(20 * SECOND)
    await manager.close()
  })

  for (const [name, keys] of [
    ['plain', undefined],
    ['encrypted', [randomBytes(32)]],
  ] as const) {
    it(`is written when the manager is closed: ${name}`, async () => {
      const { file, clock, use, pass, manager } = await openUsed(keys)
      const before = readFileSync(file)
      await pass(15 * SECOND)
      await use()
      expect(readFileSync(file)).toEqual(before)
      const last = clock.now
      await pass(5 * SECOND)
      await manager.close()
      expect(usedAt(file)).toBe(last)
      const options = keys === undefined ? {} : { encryption: { keys } }
      const next = new StorageFile({ ...options, path: join(file, '..'), clock: clock.tell })
      clock.now = last + HOUR
      expect(await next.getSession('one', HOUR)).toEqual({ a: 1 })
      clock.now++
      expect(await next.getSession('one', HOUR)).toBeUndefined()
    })

    it(`keeps a session alive for as long as it is used, and no longer: ${name}`, async () => {
      const { clock, use, pass, manager, file } = await openUsed(keys)
      for (let minutes = 0; minutes < 180; minutes += 5) {
        await pass(5 * 60 * SECOND)
        await use()
      }
      await pass(20 * SECOND)
      expect(clock.now - usedAt(file)).toBe(20 * SECOND)
      await pass(HOUR)
      expect(await manager.new('one').get('a')).toBeUndefined()
      await manager.close()
    })
  }

  it('does not bring back a session that was removed', async () => {
    const { file, use, pass, manager } = await openUsed()
    await pass(15 * SECOND)
    await use()
    const other = new StorageFile({ path: join(file, '..') })
    await other.removeAll('one')
    await manager.close()
    expect(existsSync(file)).toBe(false)
  })
})

describe('time', () => {
  it('ends a session right after its ttl, to the millisecond', async () => {
    const { clock, storage } = open()
    for (const ttl of [1, 999, HOUR, 10 * YEAR, Number.MAX_SAFE_INTEGER - 10 * YEAR - 1]) {
      const start = 1_700_000_000_000
      clock.now = start
      await storage.setSession('one', { a: 1 }, ttl)
      clock.now = Math.min(start + ttl, Number.MAX_SAFE_INTEGER)
      expect(await storage.getSession('one', ttl)).toEqual({ a: 1 })
      expect(await storage.load('one', ttl)).toMatchObject({ expiresAt: start + ttl })
      expect(await storage.merge('one', { set: new Map(), removed: new Set() }, ttl)).toBe(true)
      clock.now = start
      await storage.setSession('one', { a: 1 }, ttl)
      clock.now = start + ttl + 1
      expect(await storage.getSession('one', ttl)).toBeUndefined()
      expect(await storage.merge('one', { set: new Map(), removed: new Set() }, ttl)).toBe(false)
      await storage.updateTTL('one', ttl)
      expect(await storage.getSession('one', ttl)).toBeUndefined()
      expect(await storage.create('one', new Map(), ttl)).toBe(true)
    }
  })

  it('ends it for a storage that has just been opened, too', async () => {
    const { clock, storage, folder } = open()
    await storage.setSession('one', { a: 1 }, HOUR)
    const reopen = () => new StorageFile({ path: folder, clock: clock.tell })
    clock.now += HOUR
    expect(await reopen().getSession('one', HOUR)).toEqual({ a: 1 })
    clock.now += 1
    expect(await reopen().getSession('one', HOUR)).toBeUndefined()
  })

  it('that is set back ends nothing early, and lets a session be written', async () => {
    const { clock, storage } = open()
    await storage.setSession('one', { a: 1 }, HOUR)
    clock.now -= YEAR
    expect(await storage.getSession('one', HOUR)).toEqual({ a: 1 })
    await storage.updateTTL('one', HOUR)
    expect(
      await storage.merge('one', { set: new Map([['b', '2']]), removed: new Set() }, HOUR),
    ).toBe(true)
    expect(await storage.sweep()).toBe(0)
    clock.now += HOUR
    expect(await storage.getSession('one', HOUR)).toEqual({ a: 1, b: 2 })
    clock.now += 1
    expect(await storage.getSession('one', HOUR)).toBeUndefined()
  })

  it('that is set forward ends all that is used by then, and set back again revives nothing', async () => {
    const { clock, storage } = open()
    await storage.setSession('one', { a: 1 }, HOUR)
    clock.now += YEAR
    expect(await storage.getSession('one', HOUR)).toBeUndefined()
    clock.now -= YEAR
    expect(await storage.getSession('one', HOUR)).toBeUndefined()
  })
})
