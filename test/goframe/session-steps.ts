import { vi } from 'vitest'
import { plainText } from '../../src/storages/file-cipher.ts'
import { decodeFile } from '../../src/storages/file-record.ts'
import { comparesAndSets, countCommands, type RedisServer } from '../redis/servers/index.ts'

/** What stood in a session from then on, and who put it there. */
export interface Step {
  readonly by: 'node' | 'go'
  readonly keys: ReadonlySet<string>
}

/** The keys that were there before a step of this side, and no longer after it. */
export function undoneBy(side: Step['by'], steps: readonly Step[]): string[] {
  const undone = new Set<string>()
  let before: Iterable<string> = []
  for (const { by, keys } of steps) {
    if (by === side) for (const key of before) if (!keys.has(key)) undone.add(key)
    before = keys
  }
  return [...undone]
}

/**
 * Every write of a Redis string while `act` ran, in Redis' own order. Go sends SETEX, Node never. What
 * Node sends may be refused, by a server that does not know IFEQ, or since something else stands there.
 */
export async function stepsInRedis(
  server: RedisServer,
  redisKey: string,
  act: () => Promise<unknown>,
): Promise<Step[]> {
  const steps: Step[] = []
  const knowsIfeq = comparesAndSets(server.kind)
  let text = await server.call('GET', redisKey)
  const put = (by: Step['by'], newText = ''): void => {
    text = newText
    steps.push({ by, keys: keysIn(newText) })
  }
  const takesPlace = (condition?: string, expected?: string): boolean =>
    condition !== 'ifeq' || (knowsIfeq && expected === text)
  for (const { args } of await countCommands(server, act)) {
    const [command = '', key, ...rest] = args
    if (key !== redisKey) continue
    if (command === 'set' && takesPlace(rest[1], rest[2])) put('node', rest[0])
    if (command.toLowerCase() === 'setex') put('go', rest[1])
  }
  return steps
}

/**
 * What the file storage of this process wrote and found of a session while `act` ran, in order. It
 * reads and encodes in one go, so that what it writes comes from what it found last; and what it finds,
 * if it is not what it wrote last, Go has written.
 */
export async function stepsInFile(ofId: string, act: () => Promise<unknown>): Promise<Step[]> {
  const steps: Step[] = []
  const { encrypt, decrypt } = plainText
  const writing = vi.spyOn(plainText, 'encrypt').mockImplementation((plain, header, id) => {
    if (id === ofId) steps.push({ by: 'node', keys: keysIn(String(plain)) })
    return encrypt(plain, header, id)
  })
  const reading = vi.spyOn(plainText, 'decrypt').mockImplementation((bytes, header, id) => {
    const keys = keysInFile(Buffer.concat([header, bytes]), id)
    // Go may be in the middle of writing: what makes no sense yet is read again.
    if (id === ofId && keys !== undefined) steps.push({ by: 'go', keys })
    return decrypt(bytes, header, id)
  })
  try {
    await act()
  } finally {
    writing.mockRestore()
    reading.mockRestore()
  }
  return steps
}

function keysIn(json = ''): ReadonlySet<string> {
  return new Set(Object.keys(JSON.parse(json)))
}

/** Not by way of the cipher that is watched. */
function keysInFile(bytes: Buffer, id: string): ReadonlySet<string> | undefined {
  try {
    return new Set(decodeFile(id, bytes, { ...plainText, decrypt: plain => plain })?.data.keys())
  } catch {
    return undefined
  }
}
