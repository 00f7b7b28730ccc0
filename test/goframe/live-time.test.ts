import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { connect } from '../fixtures/redis-lab.ts'
import { begin } from '../helpers/core-sessions.ts'
import type { Connected } from '../redis/clients.ts'
import { type RedisServer, startServer } from '../redis/servers/index.ts'
import { SHARED, type Shared } from './both-sides.ts'
import { GO_VERSIONS, GoDriver, type GoVersion, whyNoGo } from './go-driver.ts'
import { SharedTime } from './shared-time.ts'

/** No whole number of seconds, to tell where those are counted. */
const TTL = 61_500
const DATA = { user: 'Ann' }
/** GoFrame writes what was only read so often, and for ttls from that on. */
const GO_INTERVAL = 10_000

describe.skipIf(whyNoGo)(`the ttl of sessions shared with GoFrame (${whyNoGo ?? 'alive'})`, () => {
  let server: RedisServer
  let connected: Connected
  const drivers = new Map<GoVersion, GoDriver>()
  beforeAll(async () => {
    server = await startServer()
    connected = await connect(server)
    for (const version of GO_VERSIONS) drivers.set(version, new GoDriver(version))
  })
  afterAll(async () => {
    for (const go of drivers.values()) go.close()
    connected.close()
    await server.close()
  })

  function open(version: GoVersion, kind: Shared, ttl = TTL): Promise<SharedTime> {
    const go = drivers.get(version)
    if (go === undefined) throw new Error(`GoFrame ${version} was not started`)
    return SharedTime.open(go, kind, server, connected, ttl)
  }

  describe.each(GO_VERSIONS)('GoFrame %s', version => {
    describe.each(SHARED)('%s', kind => {
      const goTtl = goTtlOf(kind)

      it('starts anew at the millisecond in which either side writes', async () => {
        const shared = await open(version, kind)
        const id = await begin(shared.manager, DATA)
        await shared.letEnd(id, Date.now() + 5_000)
        const inGo = await during(() => shared.setInGo(id, 'by', 'go'))
        expectWithin(await shared.endOf(id), inGo, goTtl)
        await shared.letEnd(id, Date.now() + 5_000)
        const inNode = await during(() => shared.setInNode(id, 'by', 'node'))
        expectWithin(await shared.endOf(id), inNode, TTL)
      })

      it('starts at the millisecond in which either side begins a session', async () => {
        const shared = await open(version, kind)
        let id = ''
        const inGo = await during(async () => {
          id = await shared.beginInGo(DATA)
        })
        expectWithin(await shared.endOf(id), inGo, goTtl)
        const inNode = await during(async () => {
          id = await begin(shared.manager, DATA)
        })
        expectWithin(await shared.endOf(id), inNode, TTL)
      })

      it('ends at the same millisecond for both, whichever began the session', async () => {
        const shared = await open(version, kind)
        const ids = [await shared.beginInGo(DATA), await begin(shared.manager, DATA)]
        for (const id of ids) {
          const end = Date.now() + 100
          await shared.letEnd(id, end)
          const inGo = expectToEnd(() => shared.isSeenByGo(id), end)
          const inNode = expectToEnd(() => shared.isSeenByNode(id), end)
          await Promise.all([inGo, inNode])
        }
      })
    })

    it.each(['file', 'crypted file'] as const)(
      'lasts for the last millisecond of a %s by Go, and not for the next',
      async kind => {
        const shared = await open(version, kind)
        const id = await shared.beginInGo(DATA)
        const end = await shared.endOf(id)
        expect(await shared.readAt(id, end)).toEqual(DATA)
        expect(await shared.readAt(id, end + 1)).toBeUndefined()
      },
    )
  })

  it('goes on for Go when a session is read here', async () => {
    const all = GO_VERSIONS.flatMap(version => SHARED.map(kind => ({ version, kind })))
    await Promise.all(all.map(({ version, kind }) => expectReadInNode(version, kind)))
  })

  async function expectReadInNode(version: GoVersion, kind: Shared): Promise<void> {
    const shared = await open(version, kind)
    const id = await shared.beginInGo(DATA)
    const end = Date.now() + 4_000
    await shared.letEnd(id, end)
    const readAt = Date.now()
    expect(await shared.manager.new(id).data(), `${version}, ${kind}`).toEqual(DATA)
    await vi.waitFor(async () => expect(await shared.endOf(id)).toBeGreaterThan(end), 10_000)
    expectWithin(await shared.endOf(id), [readAt, Date.now()], TTL)
    await past(end)
    expect(await shared.isSeenByGo(id), `${version}, ${kind}`).toBe(true)
  }

  it('goes on for both up to 10 s after Go only read a file or a string', async () => {
    await Promise.all(GO_VERSIONS.map(expectReadsInGo))
  })

  /** GoFrame writes each 10 s what was only read, whatever became of it meanwhile. */
  async function expectReadsInGo(version: GoVersion): Promise<void> {
    const later = Date.now() + 30_000
    const prolonged = await readEachInGo(version, ['file', 'crypted file', 'kv'], later)
    const inHash = await readEachInGo(version, ['hash'], later)
    const ofShortTtl = await readEachInGo(version, ['file', 'kv'], later, GO_INTERVAL - 500)
    const soon = Date.now() + 3_000
    const expiredFiles = await readEachInGo(version, ['file', 'crypted file'], soon)
    const expiredStrings = await readEachInGo(version, ['kv'], soon)
    await past(soon)
    const expired = [...expiredFiles, ...expiredStrings]
    for (const each of expired) expect(await each.isSeen(), version).toEqual([false, false])
    for (const { shared, id, kind, readAt } of prolonged) {
      await vi.waitFor(async () => expect(await shared.endOf(id)).toBeGreaterThan(later), 30_000)
      expectWithin(await shared.endOf(id), [readAt, Date.now()], goTtlOf(kind))
    }
    // What was seen to have ended here was removed: nothing is there for Go to prolong.
    for (const each of expired) expect(await each.isSeen()).toEqual([false, false])
    for (const { shared, id } of [...inHash, ...ofShortTtl]) {
      expect(await shared.endOf(id)).toBe(later)
    }
  }

  /** Sessions that end at that time, were it not that each was read in Go. */
  async function readEachInGo(
    version: GoVersion,
    kinds: readonly Shared[],
    end: number,
    ttl = TTL,
  ): Promise<ReadInGo[]> {
    return Promise.all(
      kinds.map(async kind => {
        const shared = await open(version, kind, ttl)
        const id = await begin(shared.manager, DATA)
        await shared.letEnd(id, end)
        const readAt = Date.now()
        expect(await shared.readInGo(id)).toMatchObject(DATA)
        const isSeen = () => Promise.all([shared.isSeenByGo(id), shared.isSeenByNode(id)])
        return { shared, id, kind, readAt, isSeen }
      }),
    )
  }
})

interface ReadInGo {
  readonly shared: SharedTime
  readonly id: string
  readonly kind: Shared
  readonly readAt: number
  /** By Go, and by Node. */
  isSeen(): Promise<boolean[]>
}

type Span = readonly [from: number, to: number]

/** GoFrame tells Redis whole seconds. */
function goTtlOf(kind: Shared): number {
  return kind === 'kv' || kind === 'hash' ? 61_000 : TTL
}

async function during(work: () => Promise<void>): Promise<Span> {
  const from = Date.now()
  await work()
  return [from, Date.now()]
}

/** The ttl was counted from a time within the span on. */
function expectWithin(end: number, [from, to]: Span, ttl: number): void {
  expect(end).toBeGreaterThanOrEqual(from + ttl)
  expect(end).toBeLessThanOrEqual(to + ttl)
}

/** Looks until the session has ended: no look may say otherwise than its end does. */
async function expectToEnd(isSeen: () => Promise<boolean>, end: number): Promise<void> {
  for (;;) {
    const from = Date.now()
    if (!(await isSeen())) break
    expect(from).toBeLessThanOrEqual(end)
  }
  expect(Date.now()).toBeGreaterThan(end)
}

async function past(time: number): Promise<void> {
  await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(time), {
    timeout: 10_000,
    interval: 10,
  })
}
