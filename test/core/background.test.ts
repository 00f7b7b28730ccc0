import { Manager, StorageMemory } from 'gsession'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { begin, codeOf } from '../helpers/core-sessions.ts'
import { eventually } from '../helpers/eventually.ts'
import { countCalls, failOnDemand } from '../helpers/http-storage.ts'
import { allowNoUnhandledRejections } from '../helpers/no-unhandled-rejections.ts'

allowNoUnhandledRejections()

const warnings: Error[] = []
const note = (warning: Error): void => void warnings.push(warning)
beforeEach(() => void process.on('warning', note))
afterEach(() => {
  process.off('warning', note)
  warnings.length = 0
})

const LISTENERS: [string, () => never | Promise<never>][] = [
  [
    'throws',
    () => {
      throw new Error('oops')
    },
  ],
  ['rejects', () => Promise.reject(new Error('oops'))],
]

describe.each(LISTENERS)('a listener that %s', (_, listener) => {
  it('is reported once, and stops no refresh from being tried again', async () => {
    let now = Date.now()
    const { storage, failWith, recover } = failOnDemand()
    const manager = new Manager({
      storage,
      clock: () => now,
      refreshInterval: '5ms',
      onBackgroundError: listener,
    })
    const id = await begin(manager, { a: 1 })
    now += 60_000
    failWith(new Error('down'), 'refresh')
    await manager.new(id).get('a')
    await eventually(() =>
      expect(warnings).toEqual([
        expect.objectContaining({ message: '`onBackgroundError` failed: oops' }),
      ]),
    )
    recover()
    await manager.flush()
    expect(warnings.length).toBe(1)
    now += manager.ttl - 30_000
    expect(await manager.new(id).get('a')).toBe(1)
    await manager.close()
  })

  it('ends no process when it is told of a watched session', async () => {
    const manager = new Manager({ storage: new StorageMemory() })
    const id = await begin(manager, { a: 1 })
    manager.watch(id, listener)
    await manager.new(id).removeAll()
    await eventually(() =>
      expect(warnings).toEqual([expect.objectContaining({ message: '`watch` failed: oops' })]),
    )
    await manager.close()
  })
})

describe('flush', () => {
  it('writes the refreshes that wait', async () => {
    let now = Date.now()
    const { storage, calls } = countCalls()
    const manager = new Manager({ storage, clock: () => now })
    const id = await begin(manager, { a: 1 })
    await manager.flush()
    now += 60_000
    await manager.new(id).get('a')
    calls.length = 0
    await manager.flush()
    await manager.flush()
    expect(calls).toEqual(['refresh'])
    expect(await manager.new(id).get('a')).toBe(1)
  })

  it('fails with the storage, and what it could not write is written later', async () => {
    let now = Date.now()
    const { storage, failWith, recover } = failOnDemand()
    const manager = new Manager({ storage, clock: () => now })
    const id = await begin(manager, { a: 1 })
    now += 0.6 * manager.ttl
    await manager.new(id).get('a')
    failWith(new Error('down'))
    expect(await codeOf(manager.flush())).toBe('ERR_STORAGE')
    recover()
    await manager.flush()
    now += 0.55 * manager.ttl
    expect(await manager.new(id).get('a')).toBe(1)
  })
})

describe('a manager with `refreshInterval: 0`', () => {
  it('has written the refresh when a read is answered', async () => {
    let now = Date.now()
    const { storage, calls } = countCalls()
    const manager = new Manager({ storage, clock: () => now, refreshInterval: 0 })
    const id = await begin(manager, { a: 1 })
    for (const part of [0.6, 0.55, 0.95]) {
      now += part * manager.ttl
      calls.length = 0
      expect(await manager.new(id).get('a')).toBe(1)
      expect(calls).toEqual(['load', 'refresh'])
    }
  })

  it('reads on while the refresh fails, and reports that', async () => {
    let now = Date.now()
    const { storage, failWith, recover } = failOnDemand()
    const reported: unknown[] = []
    const manager = new Manager({
      storage,
      clock: () => now,
      refreshInterval: 0,
      onBackgroundError: error => reported.push(error),
    })
    const id = await begin(manager, { a: 1 })
    now += 60_000
    failWith(new Error('down'), 'refresh')
    expect(await manager.new(id).get('a')).toBe(1)
    expect(reported).toEqual([expect.objectContaining({ code: 'ERR_STORAGE' })])
    recover()
    await manager.close()
  })
})
