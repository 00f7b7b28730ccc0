import { messageOf } from '../core/errors.ts'
import { sha1 } from '../core/sha1.ts'
import type { RedisConnection } from './redis-client.ts'
import { isStrictAboutKeys } from './redis-refusal.ts'

export type StepAnswer = number | readonly unknown[]
/** What a step answers when it has done what it is for. */
export const DONE = 1
/** The first one tells the node of a Cluster. */
export type RedisKeys = readonly [string, ...string[]]

/** Something that the server does in one atomic step. */
export interface RedisStep {
  run(
    connection: RedisConnection,
    redisKeys: RedisKeys,
    args: readonly string[],
  ): Promise<StepAnswer>
}

/** Those whose servers take only scripts that name each key as `KEYS[n]`, and publish nothing. */
const strictConnections = new WeakSet<RedisConnection>()

/** Whether scripts tell by themselves that a session has ended. */
export function publishesItself(connection: RedisConnection): boolean {
  return !strictConnections.has(connection)
}

/** A Lua script. */
export class RedisScript implements RedisStep {
  readonly #source: string
  /** Computed when it is first run. */
  #sha: string | undefined
  readonly #strict: RedisScript | undefined

  /** @param strict - what does the same on servers that are strict about what scripts do */
  constructor(source: string, strict?: string) {
    this.#source = source
    this.#strict = strict === undefined ? undefined : new RedisScript(strict)
  }

  /**
   * Runs it, and answers the number or the list that it returns. A server that does not know it, new
   * or restarted or flushed, is given it then.
   */
  async run(
    connection: RedisConnection,
    redisKeys: RedisKeys,
    args: readonly string[],
  ): Promise<StepAnswer> {
    const strict = this.#strict
    if (strict === undefined) return this.#run(connection, redisKeys, args)
    if (!publishesItself(connection)) return strict.run(connection, redisKeys, args)
    try {
      return await this.#run(connection, redisKeys, args)
    } catch (error) {
      if (!isStrictAboutKeys(error)) throw error
      strictConnections.add(connection)
      return strict.run(connection, redisKeys, args)
    }
  }

  async #run(
    connection: RedisConnection,
    redisKeys: RedisKeys,
    args: readonly string[],
  ): Promise<StepAnswer> {
    const rest = [String(redisKeys.length), ...redisKeys, ...args]
    this.#sha ??= sha1(this.#source)
    try {
      return answerOf(await connection.send(redisKeys[0], ['evalsha', this.#sha, ...rest]))
    } catch (error) {
      if (!messageOf(error).startsWith('NOSCRIPT')) throw error
      return answerOf(await connection.send(redisKeys[0], ['eval', this.#source, ...rest]))
    }
  }
}

/** ioredis may be told to give numbers as texts. */
function answerOf(reply: unknown): StepAnswer {
  return Array.isArray(reply) ? reply : Number(reply)
}
