import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

// Below the ports that systems give to clients, with room for the buses of clusters in between.
const LOWEST = 10_240
const COUNT = 10_000
export const BUS_OFFSET = 10_000

const given = new Set<number>()

/**
 * A port of 127.0.0.1 that is free, and so is that of its cluster bus. It is drawn by chance, since other
 * test files look for ports at the same time; who is late all the same finds it taken, and draws again.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = LOWEST + randomInt(COUNT)
    if (given.has(port) || !(await isFree(port)) || !(await isFree(port + BUS_OFFSET))) continue
    given.add(port)
    return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.close(() => resolve(true))
    })
  })
}
