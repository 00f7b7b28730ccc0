import { openStorage } from 'gsession'
import { expect, it } from 'vitest'
import { LoopbackProxy, startServer, until } from './servers/index.ts'

it('is connected anew when its connection goes silent, and closes within its limit', async () => {
  await using server = await startServer()
  await using proxy = await LoopbackProxy.start(server)
  const url = `redis://${proxy.host}:${proxy.port}?prefix=app:&timeout=300ms`
  const storage = await openStorage(url)
  const { connections } = proxy.counts
  proxy.swallowReplies()
  await until('another connection is tried', () => proxy.counts.connections > connections)
  await proxy.resume()
  const works = () => storage.set('a'.repeat(43), 'n', 1, 1000).then(...outcome)
  const outcome = [() => true, (error: { code?: string }) => error.code === 'ERR_DISABLED'] as const
  await until('it works again', works)
  proxy.swallowReplies()
  await storage.close?.()
  await expect(storage.close?.()).resolves.toBeUndefined()
})
