import { afterAll, beforeAll } from 'vitest'
import { contractOfBoth } from './both-storages.ts'
import { SENTINEL_CLIENTS } from './clients.ts'
import { type SentinelSet, startSentinels } from './servers/index.ts'

let sentinels: SentinelSet

beforeAll(async () => {
  sentinels = await startSentinels()
})
afterAll(() => sentinels.close())

for (const [name, connect] of Object.entries(SENTINEL_CLIENTS)) {
  contractOfBoth(`sentinels, ${name}`, () => connect(sentinels))
}
