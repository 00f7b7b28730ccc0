import { status } from '@grpc/grpc-js'
import { Manager, StorageMemory } from 'gsession'
import { session } from 'gsession/grpc'
import { describe, expect, it } from 'vitest'
import { delayWrites } from '../helpers/http-storage.ts'
import { GrpcSite, KINDS, type Work } from './grpc-site.ts'
import { witness } from './grpc-witness.ts'

const managerOf = (storage = new StorageMemory()): Manager => new Manager({ storage })
const login: Work = session => session.set('user', 'Ada')

describe('other interceptors', () => {
  it.each(KINDS)('see all of a call of the kind %s, on both sides', async kind => {
    const seen: string[] = []
    const site = await GrpcSite.start(managerOf(delayWrites(20).storage), login, {
      before: [witness(seen, 'outer')],
      after: [witness(seen, 'inner')],
    })
    const answer = await site.call(kind)
    expect(answer).toMatchObject({ code: status.OK, messages: ['nothing'] })
    expect(answer.id).toMatch(/^[\w-]{43}$/)
    const side = (name: string): string[] => seen.filter(line => line.startsWith(name))
    expect(side('inner')).toEqual([
      'inner request',
      'inner hears a message',
      'inner metadata',
      'inner message',
      'inner status 0',
    ])
    expect(side('outer')).toEqual([
      'outer request',
      'outer hears a message',
      'outer metadata with an id',
      'outer message',
      'outer status 0',
    ])
  })

  it('may copy the metadata before the session, but not after it', async () => {
    const manager = managerOf()
    const before = await GrpcSite.start(manager, login, { before: [witness([], '', true)] })
    expect(await before.call('unary')).toMatchObject({ code: status.OK })
    const after = await GrpcSite.start(manager, login, { after: [witness([], '', true)] })
    expect(await after.call('unary')).toMatchObject({ code: status.INTERNAL, messages: [] })
  })

  it('may be of the same kind: it is one session all the same', async () => {
    const manager = managerOf()
    const site = await GrpcSite.start(manager, login, { after: [session(manager)] })
    for (const kind of KINDS) {
      const { id } = await site.call(kind)
      expect(await manager.new(id).data()).toEqual({ user: 'Ada' })
    }
  })
})
