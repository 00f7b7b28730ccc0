import { afterAll, beforeAll, describe } from 'vitest'
import { contractOfBoth } from './both-storages.ts'
import { CLIENTS } from './clients.ts'
import { type RedisServer, SERVER_KINDS, startServer } from './servers/index.ts'

const KIND = 'valkey'

describe.skipIf(!SERVER_KINDS.includes(KIND))(`the contract on ${KIND}`, () => {
  let server: RedisServer

  beforeAll(async () => {
    server = await startServer({ kind: KIND })
  })
  afterAll(() => server.close())

  for (const [name, connect] of Object.entries(CLIENTS)) {
    contractOfBoth(`${KIND}, ${name}`, () => connect(server))
  }
})
