import { Manager, openStorage } from 'gsession'
import { expect, it } from 'vitest'
import { codeOf } from '../../src/core/errors.ts'
import { refuseOption } from '../../src/core/options.ts'

const SECRET = 'swordfish'

function messageOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    return String(error)
  }
  throw new Error('It was not refused')
}

it.each([{ keys: [SECRET] }, [SECRET], new Map([[SECRET, SECRET]]), () => SECRET])(
  'an option that is refused shows nothing of what it holds: %o',
  got => {
    expect(messageOf(() => refuseOption('encryption', 'another', got))).not.toContain(SECRET)
    expect(messageOf(() => new Manager({ storage: got as never }))).not.toContain(SECRET)
  },
)

it.each([
  `redis://user:${SECRET}@host:port/0?prefix=a:`,
  `redis://user:${SECRET}@[::1/0?prefix=a:`,
  `rediss+hash://:${SECRET}@ho st/0?prefix=a:`,
  `redis://user:${SECRET}@host/path?prefix=a:`,
  `mysql://user:${SECRET}@host/0`,
])('a URL that is refused shows no password: %#', async url => {
  const error: unknown = await openStorage(url).catch((reason: unknown) => reason)
  expect(codeOf(error)).toBe('ERR_OPTION')
  expect(String((error as Error).stack) + JSON.stringify(error)).not.toContain(SECRET)
})
