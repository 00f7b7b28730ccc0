import { inspect } from 'node:util'
import { Manager, openStorage, StorageMemory } from 'gsession'
import { describe, expect, it, vi } from 'vitest'
import { refuseOption } from '../../src/core/options.ts'

const ERR_OPTION = expect.objectContaining({ code: 'ERR_OPTION' })
const storage = (): StorageMemory => new StorageMemory()

describe('a refused option', () => {
  it.each<[string, unknown]>([
    ['an object', { password: 'swordfish' }],
    ['an array', ['swordfish']],
    ['an error', new Error('swordfish')],
    ['a function', () => 'swordfish'],
    ['bytes', Buffer.from('swordfish')],
    ['a text of its own', { toString: () => 'swordfish', toJSON: () => 'swordfish' }],
  ])('is never shown as a whole: %s', (_what, got) => {
    expect(() => refuseOption('option', 'another', got)).toThrow(ERR_OPTION)
    let message = ''
    try {
      refuseOption('option', 'another', got)
    } catch (error) {
      message = inspect(error)
    }
    expect(message.split('\n')[0]).toMatch(/got (an object|a function)$/)
    expect(message.replace(/\n\s+at .*/g, '')).not.toContain('swordfish')
  })

  it.each(['/var/x', './x', '../x', 'C:\\x', '~/x'])(
    'of openStorage names file: (%s)',
    async url => {
      await expect(openStorage(url)).rejects.toMatchObject({
        code: 'ERR_OPTION',
        message: expect.stringContaining('file:'),
      })
    },
  )
})

describe('a ttl', () => {
  it.each([8e15 + 2, Number.MAX_SAFE_INTEGER, '100000000d' as const, Number.POSITIVE_INFINITY])(
    'that no date holds is refused: %s',
    ttl => {
      expect(() => new Manager({ storage: storage(), ttl })).toThrow(ERR_OPTION)
      const manager = new Manager({ storage: storage() })
      expect(() => {
        manager.ttl = ttl as number
      }).toThrow(ERR_OPTION)
    },
  )

  it('may be as long as a date can hold its end', () => {
    const { ttl } = new Manager({ storage: storage(), ttl: 8e15 })
    expect(new Date(Date.now() + ttl).getTime()).toBe(new Date(Date.now() + ttl).valueOf())
    expect(Number.isNaN(new Date(Date.now() + ttl).getTime())).toBe(false)
  })

  it('that was meant in seconds warns once', async () => {
    vi.resetModules()
    const gsession = await import('gsession')
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    const open = (ttl: number | '30s'): unknown =>
      new gsession.Manager({ storage: new gsession.StorageMemory(), ttl })
    try {
      for (const ttl of [1000, 60_000, 3_600_000, '30s' as const]) open(ttl)
      expect(warned).not.toHaveBeenCalled()
      for (const ttl of [3600, 3600, 1800]) open(ttl)
      expect(warned).toHaveBeenCalledTimes(1)
      expect(warned.mock.calls[0]?.[0]).toMatch(/3600 milliseconds.*'3600s'.*'1h'/)
    } finally {
      warned.mockRestore()
    }
  })
})

describe('a session with a chosen id that was removed', () => {
  it('begins anew under an id that nobody chose', async () => {
    const manager = new Manager({ storage: storage() })
    const session = manager.new()
    session.setId('chosen-by-the-application')
    await session.set('a', 1)
    await session.close()
    await session.removeAll()
    await session.set('a', 2)
    await session.close()
    expect(await session.id()).not.toBe('chosen-by-the-application')
    expect(await manager.new('chosen-by-the-application').get('a')).toBeUndefined()
  })
})
