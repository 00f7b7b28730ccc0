import { inspect } from 'node:util'
import { SessionError } from 'gsession'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { hashSessionId } from '../../src/core/session-id.ts'
import { Line, PAIRS } from './line.ts'
import { type RedisServer, startServer } from './servers/index.ts'

/** What goes wrong, and what the message says of it. */
const FAULTS = {
  'an unknown command': /unknown command/i,
  'a wrong type': /WRONGTYPE/,
  'no permission': /NOPERM/,
  'no answer': /within/,
} as const
type Fault = keyof typeof FAULTS

const COMMANDS = ['get', 'set', 'evalsha', 'eval', 'hmget', 'hgetall', 'unlink', 'pexpire']
const SECRET = 'secret-of-Ada'

let servers: Readonly<Record<Fault, RedisServer>>
beforeAll(async () => {
  const server = await startServer()
  // It says that a command is unknown with the first of its arguments.
  const config = { 'rename-command': COMMANDS.map(name => `${name} ""`) }
  servers = {
    'an unknown command': await startServer({ config }),
    'a wrong type': server,
    'no permission': await startServer({ users: ['default on nopass ~other:* &* +@all'] }),
    'no answer': server,
  }
})
afterAll(() => Promise.all(Object.values(servers).map(server => server.close())))

/** All that an error holds, wherever. */
function allTexts(value: unknown, seen = new Set<unknown>()): string[] {
  if (typeof value !== 'object' || value === null) return [String(value)]
  if (seen.has(value)) return []
  seen.add(value)
  const names = Reflect.ownKeys(value)
  const fields = names.map(name => Reflect.get(value, name))
  return [...names.map(String), ...fields.flatMap(field => allTexts(field, seen))]
}

async function errorsOf(line: Line, id: string): Promise<readonly SessionError[]> {
  const open = () => line.manager.new(id)
  const withChange = async () => {
    const session = open()
    await session.set('user', SECRET)
    return session
  }
  const requests: (() => Promise<unknown>)[] = [
    () => open().get('user'),
    () => open().data(),
    async () => (await withChange()).close(),
    async () => (await withChange()).regenerateId(),
    async () => (await withChange()).update('other', () => SECRET),
    () => line.begin({ user: SECRET }),
    () => line.storage.updateTTL(id, 60_000),
    () => line.storage.setSession(id, { user: SECRET }, 60_000),
    () => line.storage.set(id, 'user', SECRET, 60_000),
    () => open().removeAll(),
  ]
  const errors: SessionError[] = []
  for (const request of requests) {
    // Some of them can do without what is wrong.
    const error: unknown = await request().catch(reason => reason)
    if (error instanceof SessionError && error.code === 'ERR_STORAGE') errors.push(error)
  }
  return errors
}

async function bringAbout(fault: Fault, line: Line, redisKey: string): Promise<void> {
  if (fault === 'no answer') line.proxy.swallowReplies()
  if (fault === 'a wrong type') {
    await line.server.call('DEL', redisKey)
    await line.server.call('SADD', redisKey, SECRET)
  }
}

const CASES = PAIRS.flatMap(([storage, client]) =>
  (['hashed', 'plain'] as const).map(idAtRest => [storage, client, idAtRest] as const),
)

describe.concurrent('an error tells nothing of the session', () => {
  for (const fault of Object.keys(FAULTS) as Fault[]) {
    it.for(CASES)(`${fault}: %s, %s, ids %s`, async ([storage, client, idAtRest], { expect }) => {
      const works = fault === 'a wrong type' || fault === 'no answer'
      const options = { idAtRest, works, ...(fault === 'no answer' && { timeout: 100 }) }
      await using line = await Line.open(servers[fault], storage, client, options)
      const id = works ? await line.beginElsewhere({ user: SECRET }) : 'A'.repeat(43)
      const atRest = idAtRest === 'plain' ? id : hashSessionId(id)
      await bringAbout(fault, line, line.prefix + atRest)
      const errors = await errorsOf(line, id)
      expect(errors.length).toBeGreaterThan(4)
      expect(errors.some(({ message }) => FAULTS[fault].test(message))).toBe(true)
      for (const error of errors) {
        const text = [...allTexts(error), inspect(error, { depth: 20, showHidden: true })].join(
          '\n',
        )
        for (const secret of [id, atRest, line.prefix, SECRET]) expect(text).not.toContain(secret)
        expect(error.cause).toBeInstanceOf(Error)
        expect(error.stack).toContain('SessionError')
      }
    })
  }
})
