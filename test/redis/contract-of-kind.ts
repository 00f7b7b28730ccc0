import { afterAll, beforeAll, describe } from 'vitest'
import { connect } from '../fixtures/redis-lab.ts'
import { contractOfBoth } from './both-storages.ts'
import { CLIENT_NAMES } from './clients.ts'
import { type RedisServer, SERVER_KINDS, type ServerKind, startServer } from './servers/index.ts'

/** Runs the contract over a server of that kind, with each client, if this machine has one. */
export function contractOfKind(kind: ServerKind): void {
  describe.skipIf(!SERVER_KINDS.includes(kind))(`the contract on ${kind}`, () => {
    let server: RedisServer

    beforeAll(async () => {
      server = await startServer({ kind })
    })
    afterAll(() => server.close())

    for (const name of CLIENT_NAMES) {
      contractOfBoth(`${kind}, ${name}`, () => connect(server, name))
    }
  })
}
