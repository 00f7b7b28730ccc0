import { getDefaultHighWaterMark } from 'node:stream'
import {
  Metadata,
  type ServerDuplexStream,
  ServerInterceptingCall,
  type ServerInterceptor,
  type ServerWritableStream,
  status,
} from '@grpc/grpc-js'
import { Manager, type SessionError } from 'gsession'
import { sessionOf } from 'gsession/grpc'
import { describe, expect, it, vi } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { makeGate } from '../helpers/gate.ts'
import { interceptStorage } from '../helpers/http-storage.ts'
import { begin, GrpcSite, type SiteOptions } from './grpc-site.ts'
import { witness } from './grpc-witness.ts'
import { tellingStorage } from './telling-storage.ts'

/** More than leaves before the client reads: HTTP/2 has a window for it. */
const MUCH = Array.from({ length: 40 }, () => 'x'.repeat(100_000))

/** A server with one handler, and what is noted of its calls. */
async function open(site: SiteOptions, telling = tellingStorage()) {
  const [seen, errors]: [string[], Error[]] = [[], []]
  const onBackgroundError = (error: Error): void => void errors.push(error)
  const manager = new Manager({ storage: telling.storage, onBackgroundError })
  const before = [witness(seen, 'it')]
  const served = await GrpcSite.start(manager, () => undefined, { before, ...site })
  const statuses = (): string[] => seen.filter(line => line.includes('status'))
  return { ...telling, manager, served, seen, statuses, errors, id: await begin(manager) }
}

describe('a stream whose session has ended', () => {
  it('lets out nothing that its handler sends later', async () => {
    const written = makeGate()
    const serverStream = async (call: ServerWritableStream<string, string>): Promise<void> => {
      call.once('cancelled', () => {
        call.sendMetadata(new Metadata())
        call.write('late')
        call.emit('error', { code: status.NOT_FOUND, details: 'no' })
        written.open()
      })
      await sessionOf(call).get('user')
    }
    const { manager, served, seen, watched, tell, id } = await open({ handlers: { serverStream } })
    const running = served.start('serverStream', { id })
    await eventually(() => expect(watched()).toBe(1))
    await manager.new(id).removeAll()
    tell()
    expect(await running.answer).toMatchObject({ code: status.UNAUTHENTICATED, messages: [] })
    await written.opened
    expect(seen).toEqual(['it request', 'it hears a message', 'it status 16'])
  })

  it('stops its handler, even if the client reads nothing', async () => {
    const changes: unknown[] = []
    let cancellations = 0
    const bidi = (call: ServerDuplexStream<string, string>): void => {
      call.on('cancelled', () => {
        cancellations++
        const session = sessionOf(call)
        changes.push(session.set('late', true).catch((error: SessionError) => error.code))
      })
      call.on('data', async () => {
        await sessionOf(call).get('user')
        for (const message of MUCH) call.write(message)
      })
    }
    const { manager, served, seen, watched, tell, id } = await open({ handlers: { bidi } })
    const running = served.start('bidi', { id })
    running.pause()
    running.write('message')
    // The client has read ahead what its stream buffers, and nothing leaves any more.
    const sent = () => seen.filter(line => line === 'it message').length
    await eventually(() => expect(sent()).toBeGreaterThan(getDefaultHighWaterMark(true)))
    expect(watched()).toBe(1)
    await manager.new(id).removeAll()
    tell()
    await eventually(() => expect(cancellations).toBe(1))
    expect(await Promise.all(changes)).toEqual(['ERR_HEADERS_SENT'])
    expect(watched()).toBe(0)

    running.cancel()
    await running.answer
    expect(cancellations).toBe(1)
  })

  it('keeps the status that the handler gave it before', async () => {
    const serverStream = async (call: ServerWritableStream<string, string>): Promise<void> => {
      await sessionOf(call).get('user')
      await eventually(() => expect(site.watched()).toBe(1))
      call.end()
    }
    const endsTheSession: ServerInterceptor = (_method, call) =>
      new ServerInterceptingCall(call, {
        async sendStatus(answer, next) {
          statuses.push(answer.code ?? 0)
          await site.manager.new(site.id).removeAll()
          site.tell()
          await new Promise(resolve => setImmediate(resolve))
          next(answer)
        },
      })
    const statuses: number[] = []
    const site = await open({ handlers: { serverStream }, before: [endsTheSession] })
    const answer = await site.served.call('serverStream', { id: site.id })
    expect(answer).toMatchObject({ code: status.OK })
    expect(statuses).toEqual([status.OK])
  })

  it('is not told so once its client has gone', async () => {
    const [merging, goesOn, cancelled] = [makeGate(), makeGate(), makeGate()]
    const telling = tellingStorage(
      interceptStorage(async (verb, proceed) => {
        if (verb !== 'merge') return proceed()
        merging.open()
        await goesOn.opened
        return proceed()
      }),
    )
    const failed: unknown[] = []
    const serverStream = async (call: ServerWritableStream<string, string>): Promise<void> => {
      call.once('cancelled', cancelled.open)
      await sessionOf(call).get('user')
      await eventually(() => expect(site.watched()).toBe(1))
      const update = sessionOf(call).update('late', () => true)
      failed.push(await update.catch((error: SessionError) => error.code))
    }
    const site = await open({ handlers: { serverStream } }, telling)
    const running = site.served.start('serverStream', { id: site.id })
    await merging.opened
    await site.manager.new(site.id).removeAll()
    site.tell()
    running.cancel()
    await cancelled.opened
    goesOn.open()
    await eventually(() => expect(failed).toEqual(['ERR_GONE']))
    await new Promise(resolve => setImmediate(resolve))
    expect(site.statuses()).toEqual([])
  })
})

describe('a call that is cancelled while `required` reads its session', () => {
  it('does not run its handler', async () => {
    const [loading, cancelled, goesOn, loaded] = [makeGate(), makeGate(), makeGate(), makeGate()]
    const telling = tellingStorage(
      interceptStorage(async (verb, proceed) => {
        if (verb !== 'load') return proceed()
        loading.open()
        await goesOn.opened
        loaded.open()
        return proceed()
      }),
    )
    // It is run as soon as the metadata is there, while others wait for a message.
    const bidi = vi.fn()
    const hearsCancellation: ServerInterceptor = (_method, call) =>
      new ServerInterceptingCall(call, { start: next => next({ onCancel: cancelled.open }) })
    const site = await open(
      { handlers: { bidi }, options: { required: true }, before: [hearsCancellation] },
      telling,
    )
    const running = site.served.start('bidi', { id: site.id })
    await loading.opened
    running.cancel()
    await cancelled.opened
    goesOn.open()
    await loaded.opened
    await new Promise(resolve => setImmediate(resolve))
    expect(bidi).not.toHaveBeenCalled()
  })
})

describe('a watch', () => {
  it('is one, however often the session is used', async () => {
    const serverStream = async (call: ServerWritableStream<string, string>): Promise<void> => {
      for (let n = 0; n < 5; n++) {
        await sessionOf(call).get('user')
        await sessionOf(call).update('n', () => n)
      }
      await eventually(() => expect(site.watched()).toBe(1))
      call.end()
    }
    const site = await open({ handlers: { serverStream } })
    const answer = await site.served.call('serverStream', { id: site.id })
    expect(answer).toMatchObject({ code: status.OK })
    expect(site.begun()).toBe(1)
  })

  it('is not begun for a call that is over', async () => {
    const [isUsed, cancelled] = [makeGate(), makeGate()]
    const serverStream = async (call: ServerWritableStream<string, string>): Promise<void> => {
      call.once('cancelled', cancelled.open)
      await cancelled.opened
      await sessionOf(call).get('user')
      await new Promise(resolve => setImmediate(resolve))
      isUsed.open()
    }
    const site = await open({ handlers: { serverStream } })
    const running = site.served.start('serverStream', { id: site.id })
    await eventually(() => expect(site.seen).toContain('it hears a message'))
    running.cancel()
    await isUsed.opened
    expect(site.begun()).toBe(0)
  })

  it('is begun by `required`, for a stream whose handler leaves its session alone', async () => {
    const begins = makeGate()
    const serverStream = (): void => begins.open()
    const site = await open({ handlers: { serverStream }, options: { required: true } })
    const running = site.served.start('serverStream', { id: site.id })
    await begins.opened
    await eventually(() => expect(site.watched()).toBe(1))
    await site.manager.new(site.id).removeAll()
    site.tell()
    expect(await running.answer).toMatchObject({ code: status.UNAUTHENTICATED })
  })
})
