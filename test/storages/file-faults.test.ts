import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SessionError, StorageFile, type StorageFileOptions } from 'gsession'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Changes } from '../../src/core/changes.ts'
import { tempFolder } from '../helpers/temp-folder.ts'

const HOUR = 3_600_000
const DIST = fileURLToPath(new URL('../../dist/index.js', import.meta.url))
const IS_ROOT = process.getuid?.() === 0
const NOBODY = 65534

/** Which call of the file system fails, counted from 1 over all of them, and how. */
const plan = vi.hoisted(() => ({ calls: 0, from: 0, to: 0, code: 'EIO', short: false }))

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
    return ((descriptor: number, bytes: Buffer, offset: number, length?: number, ...rest: never[]) => {
      if (!plan.short) return (call as never as (...args: unknown[]) => number)(descriptor, bytes, offset, length, ...rest)
      const half = Math.ceil((length ?? bytes.length - offset) / 2)
      return (call as never as (...args: unknown[]) => number)(descriptor, bytes, offset, half, ...rest)
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
    unlinkSync: failing('unlinkSync', real.unlinkSync as Call),
    closeSync: failing('closeSync', real.closeSync as Call),
    fsync,
  }
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

const CODES = ['ENOSPC', 'EIO', 'EMFILE', 'EACCES', 'EPERM', 'EBUSY']

interface Case {
  readonly folder: string
  readonly storage: StorageFile
}

async function prepare(operation: Operation, options: StorageFileOptions): Promise<Case> {
  const folder = join(tempFolder(), 'sessions')
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

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length
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
        const nextCalls: Promise<unknown>[] = []
        const count = await countCalls(operation, options)
        expect(count).toBeGreaterThan(0)
        for (const code of CODES) {
          for (let first = 1; first <= count; first++) {
            for (const last of [first, Number.POSITIVE_INFINITY]) {
              nextCalls.push(await checkFault(operation, options, { first, last, code }))
            }
          }
        }
        await Promise.all(nextCalls)
      })
    }
  })
}

interface Fault {
  readonly first: number
  readonly last: number
  readonly code: string
}

/** Answers the next call, which may wait for a lock that the fault left behind. */
async function checkFault(
  operation: Operation,
  options: StorageFileOptions,
  { first, last, code }: Fault,
): Promise<Promise<void>> {
  const { folder, storage } = await prepare(operation, options)
  const descriptors = openDescriptors()
  failCalls(first, last, code)
  const outcome = await attempt(() => operation.run(storage))
  failCalls(0, 0, code)
  const where = `${code} at call ${first} to ${last}`

  expect(openDescriptors(), `descriptors open after ${where}`).toBe(descriptors)
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
  return goOn(storage, folder)
}

async function goOn(storage: StorageFile, folder: string): Promise<void> {
  await storage.setSession(ID, { next: true }, HOUR)
  expect(await storage.getSession(ID, HOUR)).toEqual({ next: true })
  await storage.destroy(ID)
  await storage.setSession(NEW_ID, {}, HOUR)
  expect(readdirSync(folder)).toEqual([`${NEW_ID}.session`])
}
