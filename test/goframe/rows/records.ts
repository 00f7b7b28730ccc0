import { readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RedisServer } from '../../redis/servers/index.ts'
import { filesIn } from '../../storages/file-names.ts'

/** What is stored of sessions, looked at and changed behind the back of both implementations. */
export interface Records {
  /** The JSON of a session, `undefined` without one. Of a hash: its fields, in JSON of an object. */
  text(id: string): Promise<string | undefined>
  /** Stores JSON, or what should be some, as used just now. */
  put(id: string, text: string): Promise<void>
  /** The names of all that is stored in the place. */
  names(): Promise<readonly string[]>
  /** Lets a session look as if it had been used so many milliseconds ago. */
  age(id: string, by: number): Promise<void>
  /** The milliseconds that a session has left. */
  timeLeft(id: string): Promise<number>
}

/** A file is eight bytes of time, then JSON. */
export class FileRecords implements Records {
  readonly #folder: string
  readonly #ttl: number

  constructor(folder: string, ttl: number) {
    this.#folder = folder
    this.#ttl = ttl
  }

  async text(id: string): Promise<string | undefined> {
    if (!filesIn(this.#folder).includes(`${id}.session`)) return undefined
    return readFileSync(this.#pathOf(id)).subarray(8).toString()
  }

  async put(id: string, text: string): Promise<void> {
    writeAsBefore(this.#pathOf(id), Buffer.concat([timeOf(Date.now()), Buffer.from(text)]))
  }

  async names(): Promise<readonly string[]> {
    return filesIn(this.#folder)
  }

  async age(id: string, by: number): Promise<void> {
    const bytes = readFileSync(this.#pathOf(id))
    bytes.writeBigInt64LE(BigInt(Date.now() - by))
    writeAsBefore(this.#pathOf(id), bytes)
  }

  async timeLeft(id: string): Promise<number> {
    return Number(readFileSync(this.#pathOf(id)).readBigInt64LE()) + this.#ttl - Date.now()
  }

  #pathOf(id: string): string {
    return join(this.#folder, `${id}.session`)
  }
}

/** Writes a file that nobody takes for one that Go is in the middle of writing. */
export function writeAsBefore(path: string, bytes: Buffer): void {
  const aWhileAgo = Date.now() / 1000 - 60
  writeFileSync(path, bytes)
  utimesSync(path, aWhileAgo, aWhileAgo)
}

/** The first eight bytes of a file: milliseconds, little-endian. */
export function timeOf(time: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64LE(BigInt(time))
  return bytes
}

/** Strings and hashes, all below one prefix. */
export class RedisRecords implements Records {
  readonly #server: RedisServer
  readonly #prefix: string
  readonly #ttl: number
  readonly #isHash: boolean

  constructor(server: RedisServer, prefix: string, ttl: number, isHash: boolean) {
    this.#server = server
    this.#prefix = prefix
    this.#ttl = ttl
    this.#isHash = isHash
  }

  async text(id: string): Promise<string | undefined> {
    const redisKey = this.#prefix + id
    if ((await this.#server.call('EXISTS', redisKey)) === 0) return undefined
    if (!this.#isHash) return String(await this.#server.call('GET', redisKey))
    const flat = ((await this.#server.call('HGETALL', redisKey)) as unknown[]).map(String)
    const pairs = flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1]]] : []))
    return JSON.stringify(Object.fromEntries(pairs))
  }

  async put(id: string, text: string): Promise<void> {
    await this.#server.call('SET', this.#prefix + id, text, 'PX', this.#ttl)
  }

  async names(): Promise<readonly string[]> {
    // What is kept aside has its name in braces.
    return ((await this.#server.call('KEYS', `*${this.#prefix}*`)) as unknown[]).map(String)
  }

  async age(id: string, by: number): Promise<void> {
    await this.#server.call('PEXPIRE', this.#prefix + id, this.#ttl - by)
  }

  async timeLeft(id: string): Promise<number> {
    return Number(await this.#server.call('PTTL', this.#prefix + id))
  }
}
