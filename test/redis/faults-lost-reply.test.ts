import { afterAll, beforeAll, describe, it } from 'vitest'
import { FORGETTING_CLIENTS, failureOf, Line, pairsOf, RESENDING_CLIENTS, setKey } from './line.ts'
import { type RedisServer, SERVER_KINDS, startServer, until } from './servers/index.ts'

describe.each(SERVER_KINDS)('on %s', serverKind => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startServer({ kind: serverKind })
  })
  afterAll(() => server.close())

  /** Which reply the connection breaks at: the first one, or the last one. */
  const PLACES = ['first', 'last'] as const
  type Place = (typeof PLACES)[number]
  /** The length of `:1` and of a null, which are the last replies here, with their line ends or almost. */
  const SHORTEST = 3

  type Request = (id: string) => Promise<unknown>

  /**
   * Makes a request whose reply gets lost after Redis has done what was asked, and answers what it
   * does. The same request, made before on another session, tells how long the replies are.
   */
  async function losingReply(line: Line, place: Place, request: Request): Promise<unknown> {
    const before = line.proxy.counts.bytesToClient
    await request(await line.beginElsewhere())
    const begun = await line.beginElsewhere()
    const replies = line.proxy.counts.bytesToClient
    await request(begun)
    const length = line.proxy.counts.bytesToClient - replies
    const id = await line.beginElsewhere()
    if (before === replies) throw new Error('Nothing was sent')
    line.proxy.cutNextReply(place === 'first' ? 0 : length - SHORTEST)
    return request(id)
  }

  const cases = (clients: readonly string[]) =>
    pairsOf(clients).flatMap(([storage, client]) =>
      PLACES.map(place => [storage, client, place] as const),
    )

  describe.concurrent('a client that sends again', () => {
    const again = cases(RESENDING_CLIENTS)

    it.for(again)(
      'updates once: %s, %s, %s reply',
      async ([storage, client, place], { expect }) => {
        await using line = await Line.open(server, storage, client)
        let id = ''
        const count: Request = async each => {
          id = each
          return line.manager.new(each).update('views', (n = 0) => n + 1)
        }
        expect(await losingReply(line, place, count)).toBe(2)
        expect(await line.data(id)).toEqual({ user: 'Ada', views: 2 })
        expect(await count(id)).toBe(3)
      },
    )

    it.for(again)(
      'begins one session: %s, %s, %s reply',
      async ([storage, client, place], { expect }) => {
        await using line = await Line.open(server, storage, client)
        let sessions = 0
        const id = await losingReply(line, place, async () => {
          const began = await line.begin({ user: 'Bob', views: 7 })
          sessions = (await line.redisKeys()).length
          return began
        })
        expect(await line.data(String(id))).toEqual({ user: 'Bob', views: 7 })
        expect(sessions).toBe(6)
      },
    )

    it.for(again)(
      'moves to one new id: %s, %s, %s reply',
      async ([storage, client, place], { expect }) => {
        await using line = await Line.open(server, storage, client)
        let old = ''
        const newId = await losingReply(line, place, async id => {
          old = id
          const session = line.manager.new(id)
          await session.set('user', 'Bob')
          return session.regenerateId()
        })
        expect(await line.data(String(newId))).toEqual({ user: 'Bob', views: 1 })
        expect(await line.data(old)).toEqual({})
        expect(await line.redisKeys()).toHaveLength(3)
      },
    )

    it.for(again)(
      'sets and removes: %s, %s, %s reply',
      async ([storage, client, place], { expect }) => {
        await using line = await Line.open(server, storage, client)
        let id = ''
        await losingReply(line, place, async each => {
          id = each
          const session = line.manager.new(each)
          await session.set('other', 'x')
          await session.remove('views')
          await session.close()
        })
        expect(await line.data(id)).toEqual({ user: 'Ada', other: 'x' })
        await losingReply(line, place, async each => {
          id = each
          await line.manager.new(each).removeAll()
        })
        expect(await line.data(id)).toEqual({})
      },
    )
  })

  describe.concurrent('a client that gives up', () => {
    const given = cases(FORGETTING_CLIENTS)

    it.for(given)(
      'fails, and has updated once or not at all: %s, %s, %s reply',
      async ([storage, client, place], { expect }) => {
        await using line = await Line.open(server, storage, client)
        let id = ''
        const update = losingReply(line, place, async each => {
          id = each
          return line.manager.new(each).update('views', (n = 0) => n + 1)
        })
        expect((await failureOf(update)).error.code).toBe('ERR_STORAGE')
        await line.ready()
        const { views, user } = await line.data(id)
        expect(user).toBe('Ada')
        // What Redis was asked first was a question.
        expect(views).toBe(place === 'first' ? 1 : 2)
      },
    )

    it.for(given)(
      'fails, and has moved wholly or not at all: %s, %s, %s reply',
      async ([storage, client, place], { expect }) => {
        await using line = await Line.open(server, storage, client)
        let old = ''
        const moved = losingReply(line, place, async id => {
          old = id
          return line.manager.new(id).regenerateId()
        })
        expect((await failureOf(moved)).error.code).toBe('ERR_STORAGE')
        await line.ready()
        // Two moved before; this one is under the old id, or under a new one that nobody knows.
        expect(await line.redisKeys()).toHaveLength(3)
        expect([{}, { user: 'Ada', views: 1 }]).toContainEqual(await line.data(old))
      },
    )

    it.for(given)(
      'fails, and what it set may be set again: %s, %s, %s reply',
      async ([storage, client, place], { expect }) => {
        await using line = await Line.open(server, storage, client)
        let id = ''
        const set = losingReply(line, place, async each => {
          id = each
          await setKey(line, each, 'other', 'x')
        })
        expect((await failureOf(set)).error.code).toBe('ERR_STORAGE')
        await line.ready()
        expect(await line.data(id)).toMatchObject({ user: 'Ada', views: 1 })
        await setKey(line, id, 'other', 'y')
        expect(await line.data(id)).toEqual({ user: 'Ada', views: 1, other: 'y' })
      },
    )

    it.for(given)(
      'fails, and the session begins at the next try: %s, %s, %s reply',
      async ([storage, client, place], { expect }) => {
        await using line = await Line.open(server, storage, client)
        const session = line.manager.new()
        await session.set('user', 'Bob')
        line.proxy.cutNextReply(place === 'first' ? 0 : 1)
        expect((await failureOf(session.close())).error.code).toBe('ERR_STORAGE')
        await line.ready()
        await session.close()
        expect(await line.data(await session.id())).toEqual({ user: 'Bob' })
        expect(await line.redisKeys()).toHaveLength(1)
      },
    )
  })

  describe.concurrent('when another process updates before the client sends again', () => {
    it.for(pairsOf(RESENDING_CLIENTS))(
      'both updates count once: %s, %s',
      async ([storage, client], { expect }) => {
        await using line = await Line.open(server, storage, client)
        const { prefix } = line
        await using other = await Line.open(server, storage, 'node-redis 6', { prefix })
        const id = await line.begin({ views: 1 })
        const add = (each: Line, n: number) =>
          each.manager.new(id).update('views', (v = 0) => v + n)
        // Both lines have written before, so that each finds its own mark among others.
        await add(other, 0)
        await add(line, 0)
        line.proxy.delay({ toClient: 100 })
        const update = add(line, 10)
        await until('it is done', async () => (await other.data(id)).views === 11)
        line.proxy.swallowReplies()
        expect(await add(other, 100)).toBe(111)
        expect(await add(other, 1000)).toBe(1111)
        await line.proxy.resume()
        line.proxy.cut()
        await update
        expect(await other.data(id)).toEqual({ views: 1111 })
        expect(await add(line, 0)).toBe(1111)
      },
    )
  })
})
