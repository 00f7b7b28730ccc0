// A real Redis for the benchmark, on a port of its own and on the core of the server under test.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { ensureServers, versionOf } from '../scripts/redis.mjs'

/** The one that is named, else Valkey before Redis, which Debian has in an older version. */
function findProgram() {
  const { VALKEY_SERVER, REDIS_SERVER } = ensureServers()
  return process.env.REDIS_SERVER ?? VALKEY_SERVER ?? REDIS_SERVER
}

/** What the server calls itself: `Valkey 8.1.1`. */
export function redisVersion() {
  return versionOf(findProgram()).join(' ')
}

/** A run that is ended early leaves none behind. */
const running = new Set()
process.once('exit', () => {
  for (const child of running) child.kill()
})
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))

/** Starts it, with its output thrown away, and answers its URL and how to stop it. */
export async function startRedis(pinned) {
  const port = await freePort()
  const options = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
  ]
  const [command, ...args] = pinned([findProgram(), ...options])
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  running.add(child)
  const stop = () => {
    running.delete(child)
    child.kill()
  }
  let output = ''
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    output += chunk
    if (output.includes('Ready to accept connections')) break
  }
  child.stdout.resume()
  return { url: `redis://127.0.0.1:${port}`, stop }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}
