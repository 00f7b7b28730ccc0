import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { goframe, Manager, StorageFile } from 'gsession'
import { session } from 'gsession/http'
import { StorageRedis, StorageRedisHashTable } from 'gsession/redis'
import { onTestFinished } from 'vitest'
import { tempFolder } from '../helpers/temp-folder.ts'
import type { Connected } from '../redis/clients.ts'
import type { RedisServer } from '../redis/servers/index.ts'
import { type GoPlace, type GoVersion, programOf } from './go-driver.ts'

const TTL = 60_000
export const KINDS = ['file', 'kv', 'hash'] as const
export type Kind = (typeof KINDS)[number]

/** A Go server and a Node server on the same sessions. */
export interface BothServers {
  /** Their addresses. */
  readonly go: string
  readonly node: string
  /** The folder or the prefix of the sessions. */
  readonly where: string
}

/** Starts both, until the test is done. */
export async function openServers(
  version: GoVersion,
  kind: Kind,
  server: RedisServer,
  { client }: Connected,
): Promise<BothServers> {
  const where = kind === 'file' ? tempFolder() : `http:${version}:${kind}:${Math.random()}:`
  const preset = goframe({ ttl: TTL, path: where, prefix: where })
  const redis = { ...preset.redis, client }
  const storage =
    kind === 'file'
      ? new StorageFile(preset.file)
      : new (kind === 'kv' ? StorageRedis : StorageRedisHashTable)(redis)
  const manager = new Manager({ ...preset.manager, storage })
  const node = await serveNode(manager, preset.http)
  const place = { kind, path: where, redis: `127.0.0.1:${server.port}`, prefix: where, ttl: TTL }
  const go = await serveGo(version, place)
  onTestFinished(async () => {
    go.process.kill('SIGKILL')
    node.close()
    node.closeAllConnections()
    await manager.close()
  })
  return {
    go: `http://127.0.0.1:${go.port}`,
    node: `http://127.0.0.1:${(node.address() as AddressInfo).port}`,
    where,
  }
}

async function serveNode(
  manager: Manager,
  options: Parameters<typeof session>[1],
): Promise<Server> {
  const listener = session(
    manager,
    options,
  )(async (request, response) => {
    const [, action = '', key = ''] = (request.url ?? '').split('/')
    if (action === 'key' && request.method === 'PUT') {
      let body = ''
      for await (const chunk of request) body += chunk
      await request.session.set(key, JSON.parse(body))
    }
    if (action === 'regenerate') await request.session.regenerateId()
    if (action === 'del') await request.session.removeAll()
    response.end(JSON.stringify(await request.session.data()))
  })
  const node = createServer(listener).listen(0, '127.0.0.1')
  await once(node, 'listening')
  return node
}

async function serveGo(
  version: GoVersion,
  place: GoPlace,
): Promise<{ port: number; process: ChildProcessWithoutNullStreams }> {
  const process = spawn(programOf(version), ['serve', JSON.stringify({ one: place })])
  process.stderr.resume()
  for await (const line of createInterface(process.stdout)) {
    if (line.startsWith('{')) return { port: JSON.parse(line).one, process }
  }
  throw new Error('The Go server did not start')
}
