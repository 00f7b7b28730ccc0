import { expect, it } from 'vitest'
import { Program } from './programs.ts'

it('examples/grpc: the client has a session, and its stream ends with the logout', async () => {
  const server = new Program('examples/grpc/server.mjs', { PORT: '0' })
  const client = new Program('examples/grpc/client.mjs', { PORT: await server.port() })
  expect(await client.end(), client.errors).toBe(0)
  expect(client.lines).toEqual([
    'somebody, visit 1',
    'somebody, visit 2',
    'Ada, visit 2',
    'Ada, visit 3',
    'News 1 for Ada',
    'logged out',
    'the news ended: UNAUTHENTICATED, The session has ended',
    'somebody, visit 1',
  ])
  expect(server.errors).toBe('')
})
