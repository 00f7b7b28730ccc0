import { afterAll, beforeAll } from 'vitest'
import { contractOfBoth } from './both-storages.ts'
import { CLIENTS } from './clients.ts'
import { type RedisServer, startServer } from './servers/index.ts'

let server: RedisServer

beforeAll(async () => {
  server = await startServer({ kind: 'redis' })
})
afterAll(() => server.close())

for (const [name, connect] of Object.entries(CLIENTS)) {
  contractOfBoth(`redis, ${name}`, () => connect(server))
}
