import {
  type GoFrameRedisPreset,
  goframe,
  Manager,
  type Storage,
  StorageFile,
  StorageMemory,
} from 'gsession'
import { StorageRedis, StorageRedisHashTable } from 'gsession/redis'
import type { Connected } from '../../redis/clients.ts'
import type { RedisServer } from '../../redis/servers/index.ts'
import type { GoPlace } from '../go-driver.ts'
import { FileRecords, type Records, RedisRecords } from './records.ts'

export const SHARED = ['file', 'kv', 'hash'] as const
export type Kind = GoPlace['kind']

export interface PlaceOptions {
  /** Milliseconds. */
  readonly ttl: number
  readonly crypto: boolean
  /** The folder, or the prefix. */
  readonly where: string
}

/** Where sessions are kept, to be opened by GoFrame, by this library, or by both. */
export class Place {
  readonly kind: Kind
  readonly options: PlaceOptions
  readonly #server: RedisServer

  constructor(kind: Kind, options: PlaceOptions, server: RedisServer) {
    this.kind = kind
    this.options = options
    this.#server = server
  }

  /** As GoFrame's side opens it. */
  get go(): GoPlace {
    const { where, ttl, crypto } = this.options
    const redis = `127.0.0.1:${this.#server.port}`
    return { kind: this.kind, path: where, prefix: where, redis, ttl, crypto }
  }

  /** The options of this side. */
  get preset(): GoFrameRedisPreset {
    const { where, ttl, crypto } = this.options
    return goframe({ ttl, crypto, path: where, prefix: where })
  }

  /** A manager as `goframe()` configures it, over a storage that is given or one of the place. */
  openManager(connected: Connected, storage: Storage = this.#openStorage(connected)): Manager {
    return new Manager({ ...this.preset.manager, storage })
  }

  /** What is stored, of all but the memory of another program. */
  get records(): Records {
    const { where, ttl } = this.options
    if (this.kind === 'memory') throw new Error('Nobody can look into the memory of a program')
    if (this.kind === 'file') return new FileRecords(where, ttl)
    return new RedisRecords(this.#server, where, ttl, this.kind === 'hash')
  }

  #openStorage({ client }: Connected): Storage {
    const { file, redis } = this.preset
    if (this.kind === 'memory') return new StorageMemory()
    if (this.kind === 'file') return new StorageFile(file)
    const Kind = this.kind === 'kv' ? StorageRedis : StorageRedisHashTable
    return new Kind({ ...redis, client })
  }
}
