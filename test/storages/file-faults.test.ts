import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SessionError, StorageFile, type StorageFileOptions } from 'gsession'
import { afterAll, afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Changes } from '../../src/core/changes.ts'
import { inLong } from '../helpers/long.ts'
import { tempFolder } from '../helpers/temp-folder.ts'
import { giveToNobody, runWithoutRoot } from '../helpers/without-root.ts'
import { filesIn, locksIn } from './file-names.ts'

const HOUR = 3_600_000

/** Which call of the file system fails, counted from 1 over all of them, and how. */
const plan = vi.hoisted(() => ({ calls: 0, from: 0, to: 0, code: 'EIO', short: false, flushes: 0 }))

/** The real file system, but for the calls that are to fail. */
vi.mock('node:fs', async importOriginal => {
  const real = await importOriginal<typeof import('node:fs')>()
  type Call = (...args: never[]) => unknown

  function failure(syscall: string, path: unknown): Error {
    const message = `${plan.code}: injected, ${syscall} '${String(path)}'`
    return Object.assign(new Error(message), { code: plan.code, errno: -1, syscall, path })
  }

  function isToFail(): boolean {
    plan.calls++
    return plan.from <= plan.calls && plan.calls <= plan.to
  }

  function failing(name: string, call: Call): Call {
    return (...args: never[]) => {
      if (!isToFail()) return call(...args)
      // What fails to close is closed nevertheless: Linux says so in close(2).
      if (name === 'closeSync') call(...args)
      throw failure(name.replace('Sync', ''), args[0])
    }
  }

  /** Half of what was asked for, as a signal or a full disk may have it. */
  function short(call: Call): Call {
    return ((
      descriptor: number,
      bytes: Buffer,
      offset: number,
      length?: number,
      ...rest: never[]
    ) => {
      if (!plan.short)
        return (call as never as (...args: unknown[]) => number)(
          descriptor,
          bytes,
          offset,
          length,
          ...rest,
        )
      const half = Math.ceil((length ?? bytes.length - offset) / 2)
      return (call as never as (...args: unknown[]) => number)(
        descriptor,
        bytes,
        offset,
        half,
        ...rest,
      )
    }) as never
  }

  const fsync = (descriptor: number, done: (error: Error | null) => void): void => {
    if (isToFail()) setImmediate(done, failure('fsync', descriptor))
    else real.fsync(descriptor, done)
  }

  return {
    ...real,
    openSync: failing('openSync', real.openSync as Call),
    writeSync: failing('writeSync', short(real.writeSync as Call)),
    readSync: failing('readSync', short(real.readSync as Call)),
    fchmodSync: failing('fchmodSync', real.fchmodSync as Call),
    futimesSync: failing('futimesSync', real.futimesSync as Call),
    fstatSync: failing('fstatSync', real.fstatSync as Call),
    lstatSync: failing('lstatSync', real.lstatSync as Call),
    renameSync: failing('renameSync', real.renameSync as Call),
    mkdirSync: failing('mkdirSync', real.mkdirSync as Call),
    readdirSync: failing('readdirSync', real.readdirSync as Call),
    unlinkSync: failing('unlinkSync', real.unlinkSync as Call),
    closeSync: failing('closeSync', real.closeSync as Call),
    fsync,
  }
})

/** The flush of the folder, which only a durable storage makes. */
vi.mock('node:fs/promises', async importOriginal => {
  const real = await importOriginal<typeof import('node:fs/promises')>()
  const open: typeof real.open = async (path, ...how) => {
    plan.calls++
    plan.flushes++
    if (plan.from <= plan.calls && plan.calls <= plan.to) {
      const message = `${plan.code}: injected, open '${String(path)}'`
      throw Object.assign(new Error(message), { code: plan.code, syscall: 'open', path })
    }
    return real.open(path, ...how)
  }
  return { ...real, open }
})

function failCalls(from: number, to: number, code: string): void {
  Object.assign(plan, { calls: 0, from, to, code })
}

afterEach(() => {
  failCalls(0, 0, 'EIO')
  plan.short = false
})

const ID = 'the-session'
const NEW_ID = 'the-next-one'
const OLD = { a: 'old', other: [1, 2, 3] }
const TIME = 1_704_164_645_678
const CHANGES: Changes = { set: new Map([['a', '"new"']]), removed: new Set() }
const CHANGED = { a: 'new', other: [1, 2, 3] }

type Data = Record<string, unknown> | undefined

interface Operation {
  run(storage: StorageFile): unknown
  /** What may be stored under the two ids, whatever failed. */
  readonly outcomes: readonly (readonly [Data, Data])[]
  readonly isAbsentBefore?: boolean
}

const BEFORE = [OLD, undefined] as const

const OPERATIONS: Readonly<Record<string, Operation>> = {
  load: { run: storage => storage.load(ID, HOUR), outcomes: [BEFORE] },
  create: {
    run: storage => storage.create(ID, new Map([['a', '"new"']]), HOUR),
    outcomes: [
      [undefined, undefined],
      [{ a: 'new' }, undefined],
    ],
    isAbsentBefore: true,
  },
  'create over one that is there': {
    run: storage => storage.create(ID, new Map([['a', '"new"']]), HOUR),
    outcomes: [BEFORE],
  },
  merge: {
    run: storage => storage.merge(ID, CHANGES, HOUR),
    outcomes: [BEFORE, [CHANGED, undefined]],
  },
  rotate: {
    run: storage => storage.rotate(ID, NEW_ID, CHANGES, HOUR, false),
    // A crash or a fault in between leaves the old session usable.
    outcomes: [BEFORE, [OLD, CHANGED], [undefined, CHANGED]],
  },
  destroy: {
    run: storage => storage.destroy(ID),
    outcomes: [BEFORE, [undefined, undefined]],
  },
  refresh: {
    run: storage => storage.refresh(new Map([[ID, TIME + 1000]]), HOUR),
    outcomes: [BEFORE],
  },
}

const CODES = inLong(['ENOSPC', 'EIO', 'EMFILE', 'EACCES', 'EPERM', 'EBUSY'], ['EIO', 'EACCES'])

/** How many sessions with locks left behind are waited for at the same time. */
const AT_ONCE = 300

interface Case {
  readonly folder: string
  readonly storage: StorageFile
  readonly failed: boolean
}

const folders = mkdtempSync(join(tmpdir(), 'gsession-faults-'))
const checked: Case[] = []

afterAll(() => rmSync(folders, { recursive: true }))

async function prepare(
  operation: Operation,
  options: StorageFileOptions,
): Promise<Pick<Case, 'folder' | 'storage'>> {
  const folder = mkdtempSync(join(folders, 'case-'))
  const shared = { ...options, path: folder, clock: () => TIME + 2000 }
  const earlier = new StorageFile({ ...shared, clock: () => TIME })
  if (operation.isAbsentBefore !== true) await earlier.setSession(ID, OLD, HOUR)
  return { folder, storage: new StorageFile(shared) }
}

async function attempt(work: () => unknown): Promise<{ answer: unknown } | { error: unknown }> {
  try {
    return { answer: await work() }
  } catch (error) {
    return { error }
  }
}

/** The files of a folder that this process has open. Whatever else is open, the test runner opens and closes. */
function openFilesIn(folder: string): string[] {
  return readdirSync('/proc/self/fd')
    .map(fileOf)
    .filter(path => path.startsWith(folder))
}

/** `''` where the descriptor is closed by now, as the one that lists them is. */
function fileOf(descriptor: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`)
  } catch {
    return ''
  }
}

/** What another process finds once the fault is over. */
async function stored(folder: string, options: StorageFileOptions): Promise<[Data, Data]> {
  const clean = new StorageFile({ ...options, path: folder, clock: () => TIME + 2000 })
  return [await clean.getSession(ID, HOUR), await clean.getSession(NEW_ID, HOUR)]
}

/** How many calls an operation makes when nothing fails. */
async function countCalls(operation: Operation, options: StorageFileOptions): Promise<number> {
  const { storage } = await prepare(operation, options)
  failCalls(0, 0, 'EIO')
  await operation.run(storage)
  return plan.calls
}

const VARIANTS: Readonly<Record<string, StorageFileOptions>> = {
  plain: {},
  'encrypted and durable': { encryption: { keys: [randomBytes(32)] }, durability: 'power' },
}

for (const [variant, options] of Object.entries(VARIANTS)) {
  describe.skipIf(process.platform !== 'linux')(`a call that fails, ${variant}`, () => {
    for (const [name, operation] of Object.entries(OPERATIONS)) {
      it(`leaves all as it should be: ${name}, whichever call fails`, async () => {
        const count = await countCalls(operation, options)
        expect(count).toBeGreaterThan(0)
        for (const code of CODES) {
          for (let first = 1; first <= count; first++) {
            for (const last of [first, Number.POSITIVE_INFINITY]) {
              await checkFault(operation, options, { first, last, code })
            }
          }
        }
      })
    }
  })
}

interface Fault {
  readonly first: number
  readonly last: number
  readonly code: string
}

async function checkFault(
  operation: Operation,
  options: StorageFileOptions,
  { first, last, code }: Fault,
): Promise<void> {
  const { folder, storage } = await prepare(operation, options)
  failCalls(first, last, code)
  const outcome = await attempt(() => operation.run(storage))
  failCalls(0, 0, code)
  const where = `${code} at call ${first} to ${last}`

  expect(openFilesIn(folder), `files open after ${where}`).toEqual([])
  if ('error' in outcome) {
    expect(outcome.error, where).toBeInstanceOf(SessionError)
    expect(outcome.error, where).toMatchObject({ code: 'ERR_STORAGE' })
  } else {
    expect(outcome.answer, `answered after ${where}`).not.toBe('absent')
    if (operation === OPERATIONS['load']) expect(outcome.answer, where).toBeDefined()
  }
  const found = await stored(folder, options)
  expect(operation.outcomes, `stored after ${where}`).toContainEqual(found)
  const own = [await storage.getSession(ID, HOUR), await storage.getSession(NEW_ID, HOUR)]
  expect(own, `seen by the one that failed, after ${where}`).toEqual(found)
  checked.push({ folder, storage, failed: 'error' in outcome })
}

/** The next calls do what they should. */
async function goOn({ storage, folder }: Case): Promise<void> {
  await Promise.all([
    storage.setSession(ID, { next: true }, HOUR),
    storage.setSession(NEW_ID, {}, HOUR),
  ])
  expect(await storage.getSession(ID, HOUR)).toEqual({ next: true })
  await storage.destroy(ID)
  expect(filesIn(folder)).toEqual([`${NEW_ID}.session`])
}

it('does not keep the next calls from doing what they should, however it failed', async () => {
  const locked = checked.filter(({ folder }) => locksIn(folder).length > 0)
  const failed = checked.filter(one => one.failed)
  const began = performance.now()
  // Many at once, for where a lock was left behind they wait for it; few enough to have their turns.
  for (let start = 0; start < checked.length; start += AT_ONCE)
    await Promise.all(checked.slice(start, start + AT_ONCE).map(goOn))
  const taken = Math.round(performance.now() - began)
  console.log(
    `${checked.length} faults: ${failed.length} calls failed, ${locked.length} left a lock;`,
    `then all went on within ${taken} ms`,
  )
})

describe('what is read or written in parts', () => {
  it('is whole in the end', async () => {
    const storage = new StorageFile({ path: tempFolder() })
    const data = { text: 'x'.repeat(10_000) }
    plan.short = true
    await storage.setSession(ID, data, HOUR)
    expect(await storage.getSession(ID, HOUR)).toEqual(data)
    const other = new StorageFile({ path: storage.path })
    expect(await other.getSession(ID, HOUR)).toEqual(data)
    plan.short = false
    expect(await new StorageFile({ path: storage.path }).getSession(ID, HOUR)).toEqual(data)
  })
})

describe('a durable storage', () => {
  it('has the disk keep what was stored and what was removed', async () => {
    const storage = new StorageFile({ path: tempFolder(), durability: 'power' })
    const flushesOf = async (work: () => Promise<unknown>): Promise<number> => {
      plan.flushes = 0
      await work()
      return plan.flushes
    }
    expect(await flushesOf(() => storage.create(ID, CHANGES.set, HOUR))).toBe(1)
    expect(await flushesOf(() => storage.merge(ID, CHANGES, HOUR))).toBe(1)
    expect(await flushesOf(() => storage.rotate(ID, NEW_ID, CHANGES, HOUR, false))).toBe(2)
    expect(await flushesOf(() => storage.destroy(NEW_ID))).toBe(1)
    expect(await flushesOf(() => storage.getSession(NEW_ID, HOUR))).toBe(0)
  })
})

describe('a sweep', () => {
  it('goes on with the other files when one fails, and tells of it in the end', async () => {
    const path = tempFolder()
    const early = new StorageFile({ path, clock: () => TIME })
    for (const id of ['a', 'b', 'c', 'd']) await early.setSession(id, {}, HOUR)
    for (const name of filesIn(path)) utimesSync(join(path, name), 1, 1)
    const storage = new StorageFile({ path })
    await storage.getSession('e', HOUR)
    failCalls(4, 4, 'EIO')
    await expect(storage.sweep()).rejects.toMatchObject({ code: 'ERR_STORAGE' })
    expect(plan.calls).toBeGreaterThan(20)
    failCalls(0, 0, 'EIO')
    const left = filesIn(path).filter(name => name.endsWith('.session'))
    expect(left).toHaveLength(1)
    expect(await storage.sweep()).toBe(1)
    expect(filesIn(path)).toEqual([])
  })
})

describe('a refresh of many', () => {
  it('goes on with the others when one fails, and tells of it in the end', async () => {
    const path = tempFolder()
    const ids = ['a', 'b', 'c', 'd']
    const early = new StorageFile({ path, clock: () => TIME })
    for (const id of ids) await early.setSession(id, {}, HOUR)
    const storage = new StorageFile({ path, clock: () => TIME })
    const usedAt = (id: string) => readFileSync(join(path, `${id}.session`)).readBigInt64LE()
    failCalls(3, 3, 'EIO')
    const times = new Map(ids.map(id => [id, TIME + 1000]))
    await expect(storage.refresh(times, HOUR)).rejects.toMatchObject({ code: 'ERR_STORAGE' })
    failCalls(0, 0, 'EIO')
    expect(ids.map(usedAt)).toEqual([TIME, TIME + 1000, TIME + 1000, TIME + 1000].map(BigInt))
    await storage.refresh(times, HOUR)
    expect(ids.map(usedAt)).toEqual(ids.map(() => BigInt(TIME + 1000)))
  })
})

/** What a program finds that uses a session folder of its own, which holds the session one. */
function foundWithoutRoot(program: string): unknown {
  const folder = tempFolder()
  giveToNobody(folder)
  return runWithoutRoot(
    `const { chmodSync, closeSync, openSync } = await import('node:fs')
    const { StorageFile } = gsession
    const path = ${JSON.stringify(join(folder, 'sessions'))}
    const data = new Map([['a', '1']])
    const changes = { set: new Map([['b', '2']]), removed: new Set() }
    const code = async work => {
      try { return await work() } catch (error) { return [error.code, error.cause?.code] }
    }
    const every = async storage => ({
      load: await code(async () => (await storage.load('one', ${HOUR}))?.data.size),
      create: await code(() => storage.create('two', data, ${HOUR})),
      merge: await code(() => storage.merge('one', changes, ${HOUR})),
      destroy: await code(() => storage.destroy('two')),
    })
    await new StorageFile({ path }).create('one', data, ${HOUR})
    ${program}`,
    { openFiles: 64 },
  )
}

describe.skipIf(process.platform === 'win32')('a real fault', () => {
  const works = { load: 1, create: true, merge: true }

  it('is an error, and never "no session", when the folder may not be read', () => {
    const found = foundWithoutRoot(
      `const storage = new StorageFile({ path })
      chmodSync(path, 0)
      const denied = await every(storage)
      chmodSync(path, 0o700)
      console.log(JSON.stringify({ denied, allowed: await every(storage) }))`,
    )
    const refused = ['ERR_STORAGE', 'EACCES']
    expect(found).toEqual({
      denied: { load: refused, create: refused, merge: refused, destroy: refused },
      allowed: works,
    })
  })

  it('is an error, and never "no session", when a file may not be read', () => {
    const found = foundWithoutRoot(
      `const storage = new StorageFile({ path })
      chmodSync(path + '/one.session', 0)
      const { load, merge } = await every(storage)
      chmodSync(path + '/one.session', 0o600)
      console.log(JSON.stringify({ denied: { load, merge }, allowed: await every(storage) }))`,
    )
    const refused = ['ERR_STORAGE', 'EACCES']
    expect(found).toEqual({ denied: { load: refused, merge: refused }, allowed: works })
  })

  it('is an error, and never "no session", when no more files may be open', () => {
    const found = foundWithoutRoot(
      `const storage = new StorageFile({ path })
      const open = []
      try { for (;;) open.push(openSync('/dev/null')) } catch {}
      const denied = await every(storage)
      for (const descriptor of open) closeSync(descriptor)
      console.log(JSON.stringify({ denied, allowed: await every(storage) }))`,
    )
    const refused = ['ERR_STORAGE', 'EMFILE']
    // There is no session two: to know that takes no descriptor.
    expect(found).toEqual({
      denied: { load: refused, create: refused, merge: refused },
      allowed: works,
    })
  })

  it('is an error, and loses nothing, when the disk is full', async context => {
    const path = tempFolder()
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=700', 'gsession', path], {
        stdio: 'pipe',
      })
    } catch (error) {
      const reason = `a small disk cannot be mounted here: ${String(error).split('\n').at(-2)}`
      console.log(`Skipped, ${reason}`)
      return context.skip(reason)
    }
    onTestFinished(() => void execFileSync('umount', [path]))
    const storage = new StorageFile({ path, clock: () => TIME + 2000 })
    await storage.setSession(ID, OLD, HOUR)
    const full = { code: 'ERR_STORAGE', cause: { code: 'ENOSPC' } }
    await expect(storage.setSession(ID, { a: 'x'.repeat(200_000) }, HOUR)).rejects.toMatchObject(
      full,
    )
    expect(await stored(path, {})).toEqual([OLD, undefined])
    expect(filesIn(path)).toEqual([`${ID}.session`])

    expect(() => writeFileSync(join(path, 'filler'), Buffer.alloc(64 * 1024))).toThrow('ENOSPC')
    await expect(storage.merge(ID, CHANGES, HOUR)).rejects.toMatchObject(full)
    await expect(storage.create(NEW_ID, CHANGES.set, HOUR)).rejects.toMatchObject(full)
    expect(await storage.getSession(ID, HOUR)).toEqual(OLD)
    expect(filesIn(path)).toEqual(['filler', `${ID}.session`])

    rmSync(join(path, 'filler'))
    expect(await storage.merge(ID, CHANGES, HOUR)).toBe(true)
    expect(await storage.getSession(ID, HOUR)).toEqual(CHANGED)
  })
})
