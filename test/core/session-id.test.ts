import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { isSessionId, Manager, newSessionId } from 'gsession'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { hashSessionId } from '../../src/core/session-id.ts'
import { countCalls } from '../helpers/http-storage.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** The chi-square statistic of how often each of some outcomes came up. */
function chiSquare(counts: readonly number[]): number {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
}

describe('new ids', () => {
  afterEach(() => vi.restoreAllMocks())

  it('hold 32 bytes', () => {
    expect(Buffer.from(newSessionId(), 'base64url')).toHaveLength(32)
  })

  it('are spread evenly over the alphabet at every place', () => {
    const ids = Array.from({ length: 100_000 }, newSessionId)
    for (let place = 0; place < 42; place++) {
      const counts = new Map<string, number>([...ALPHABET].map(char => [char, 0]))
      for (const id of ids) counts.set(id.charAt(place), (counts.get(id.charAt(place)) ?? 0) + 1)
      expect(counts.size).toBe(64)
      // 63 degrees of freedom: beyond 150 in less than one of a billion runs.
      expect(chiSquare([...counts.values()])).toBeLessThan(150)
    }
  })

  it('set every bit about half of the time', () => {
    const count = 50_000
    const ones = new Array<number>(256).fill(0)
    for (let n = 0; n < count; n++) {
      const bytes = Buffer.from(newSessionId(), 'base64url')
      for (let bit = 0; bit < 256; bit++) {
        const isOne = ((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1
        ones[bit] = (ones[bit] ?? 0) + isOne
      }
    }
    // Seven standard deviations: less than one of a billion runs.
    const limit = (7 * Math.sqrt(count)) / 2
    for (const one of ones) expect(Math.abs(one - count / 2)).toBeLessThan(limit)
  })

  it('owe nothing to the time or to Math.random', () => {
    const refuse = (): never => {
      throw new Error('an id must not depend on this')
    }
    vi.spyOn(Math, 'random').mockImplementation(refuse)
    vi.spyOn(Date, 'now').mockImplementation(refuse)
    vi.spyOn(performance, 'now').mockImplementation(refuse)
    const ids = Array.from({ length: 1000 }, newSessionId)
    expect(new Set(ids).size).toBe(1000)
  })

  it('have the shape of one', () => {
    for (let n = 0; n < 1000; n++) expect(isSessionId(newSessionId())).toBe(true)
  })
})

describe('what a client sends', () => {
  const odd = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .tuple(fc.string({ unit: 'grapheme' }), fc.constantFrom(...'\0/\\.%:*\r\n ;=?#"\'é\ud800'))
      .map(parts => parts.join('')),
    fc.constantFrom('..', '%2e%2e', 'CON\0', 'ａｂｃ', 'a\u200b', 'a'.repeat(129), 'x'.repeat(1e6)),
  )

  it('is an id if it is 1 to 128 characters of base64url, and nothing else is', () => {
    const allowed = new Set(ALPHABET)
    fc.assert(
      fc.property(fc.oneof(odd, fc.stringMatching(/^[\w-]{0,140}$/)), text => {
        const expected =
          text.length >= 1 && text.length <= 128 && [...text].every(c => allowed.has(c))
        expect(isSessionId(text)).toBe(expected)
      }),
    )
  })

  it('is no id if it is no text', () => {
    fc.assert(
      fc.property(fc.anything(), value => {
        expect(isSessionId(value)).toBe(typeof value === 'string' && /^[\w-]{1,128}$/.test(value))
      }),
    )
  })

  it('never reaches the storage without an id’s shape; it is a new visitor’s', async () => {
    const { storage, calls } = countCalls()
    const manager = new Manager({ storage })
    await fc.assert(
      fc.asyncProperty(
        odd.filter(text => !isSessionId(text)),
        async text => {
          const session = manager.new(text)
          expect(await session.data()).toEqual({})
          await session.removeAll()
          await session.close()
          expect(await session.id()).toMatch(/^[\w-]{43}$/)
        },
      ),
    )
    expect(calls).toEqual([])
  })
})

describe('the hash of an id', () => {
  it('is its SHA-256, also after many others', () => {
    const ids = Array.from({ length: 2500 }, newSessionId)
    for (const id of [...ids, ...ids]) {
      expect(hashSessionId(id)).toBe(createHash('sha256').update(id).digest('hex'))
    }
  })
})
