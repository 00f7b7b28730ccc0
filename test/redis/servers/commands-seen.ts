import { randomUUID } from 'node:crypto'
import type { RedisServer } from './redis-server.ts'
import { RespConnection } from './resp-connection.ts'
import type { Reply } from './resp-parser.ts'

/** A command as a server saw it. */
export interface SeenCommand {
  /** In the case in which it was sent; the name comes first. */
  readonly args: readonly string[]
  readonly database: number
  /** The address of the client, or 'lua' for what a script did. */
  readonly from: string
}

/**
 * The commands that a server began to carry out while `act` ran, in their order, from all clients, scripts
 * and replicas. AUTH is left out: the fixtures' own connections begin with it.
 */
export async function countCommands(
  server: RedisServer,
  act: () => Promise<unknown>,
): Promise<SeenCommand[]> {
  using monitor = await RespConnection.open(server.address)
  using fence = await RespConnection.open(server.address)
  const seen: SeenCommand[] = []
  const [first, last] = [randomUUID(), randomUUID()]
  const isComplete = new Promise<void>(resolve => {
    monitor.onMessage = message => {
      seen.push(parseLine(message))
      if (seen.at(-1)?.args[1] === last) resolve()
    }
  })
  await monitor.call('MONITOR')
  await fence.call('ECHO', first)
  await act()
  await fence.call('ECHO', last)
  await isComplete
  const begin = seen.findIndex(({ args }) => args[1] === first)
  return seen.slice(begin + 1, -1).filter(({ args }) => args[0] !== 'AUTH')
}

/**
 * Of the form: 1700000000.123456 [0 127.0.0.1:50000] "get" "a\x00\"b". Valkey 8.1 puts no backslash before
 * quotes and backslashes, so that not every text comes through.
 */
function parseLine(message: Reply): SeenCommand {
  const [, database, from, rest] = /^\S+ \[(\d+) (\S+)\] (.*)$/s.exec(String(message)) ?? []
  if (from === undefined || rest === undefined) throw new Error(`No line of MONITOR: ${message}`)
  const args = rest.slice(1, -1).split('" "').map(unescaped)
  return { args, database: Number(database), from }
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b' }

/** Everything that is not ASCII comes byte by byte, as \xNN. */
function unescaped(text: string): string {
  const bytes = text.replace(/\\(?:x([0-9a-f]{2})|(.))/gs, (_, hex?: string, letter = '') =>
    hex === undefined ? (ESCAPES[letter] ?? letter) : String.fromCharCode(Number.parseInt(hex, 16)),
  )
  return Buffer.from(bytes, 'latin1').toString('utf8')
}
