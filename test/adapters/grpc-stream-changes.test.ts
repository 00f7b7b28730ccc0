import { type ServerDuplexStream, status } from '@grpc/grpc-js'
import { Manager, StorageMemory } from 'gsession'
import { sessionOf } from 'gsession/grpc'
import { describe, expect, it } from 'vitest'
import { eventually } from '../helpers/eventually.ts'
import { delayWrites, failOnDemand } from '../helpers/http-storage.ts'
import { begin, GrpcSite } from './grpc-site.ts'

const managerOf = (storage = new StorageMemory()): Manager => new Manager({ storage })

describe('a stream that changes its session as it goes', () => {
  /** Answers each message with itself, after having stored it. */
  const echo = (call: ServerDuplexStream<string, string>): void => {
    const session = sessionOf(call)
    call.on('data', (message: string) => {
      void session.set('last', message)
      call.write(message)
    })
    call.once('end', () => call.end())
  }

  it('sends no message before what was changed ahead of it is saved', async () => {
    const { storage } = delayWrites(30)
    const manager = managerOf(storage)
    const site = await GrpcSite.start(manager, () => undefined, { handlers: { bidi: echo } })
    const running = site.start('bidi')
    for (const message of ['one', 'two', 'three']) {
      running.write(message)
      await eventually(() => expect(running.messages).toContain(message))
      const [id] = (await running.initial).get('session-id')
      expect(await manager.new(String(id)).get('last')).toBe(message)
    }
    running.end()
    expect(await running.answer).toMatchObject({ code: status.OK })
  })

  it('ends with UNAVAILABLE when the storage fails meanwhile, and answers no more', async () => {
    const { storage, failWith } = failOnDemand()
    const manager = new Manager({ storage, onBackgroundError: () => undefined })
    const site = await GrpcSite.start(manager, () => undefined, { handlers: { bidi: echo } })
    const running = site.start('bidi')
    running.write('one')
    await eventually(() => expect(running.messages).toEqual(['one']))
    failWith(new Error('down'))
    running.write('two')
    expect(await running.answer).toMatchObject({ code: status.UNAVAILABLE, messages: ['one'] })
  })

  it('saves what changed after the last message before the status', async () => {
    const { storage } = delayWrites(50)
    const manager = managerOf(storage)
    const id = await begin(manager)
    const bidi = (call: ServerDuplexStream<string, string>): void => {
      call.write('first')
      call.resume()
      call.once('end', () => {
        void sessionOf(call).set('last', 'words')
        call.end()
      })
    }
    const site = await GrpcSite.start(manager, () => undefined, { handlers: { bidi } })
    const running = site.start('bidi', { id })
    await running.initial
    running.end()
    expect(await running.answer).toMatchObject({ code: status.OK, messages: ['first'] })
    expect(await manager.new(id).get('last')).toBe('words')
  })
})
