import type { RedisConnection } from './redis-client.ts'
import { redisError } from './redis-error.ts'
import { isOfOtherType, isScriptForbidden } from './redis-refusal.ts'
import type { Removal } from './redis-removal.ts'
import {
  DONE,
  publishesItself,
  type RedisKeys,
  type RedisStep,
  type StepAnswer,
} from './redis-script.ts'
import type { EndedNote } from './redis-watch.ts'

/** What PTTL answers when there is no key. */
export const NO_KEY = -2

/** What is asked of Redis about single keys. Errors tell nothing of the session. */
export class RedisCalls {
  readonly connection: RedisConnection

  constructor(connection: RedisConnection) {
    this.connection = connection
  }

  /** Sends a command about one key. */
  async send(redisKey: string, command: readonly string[]): Promise<unknown> {
    try {
      return await this.connection.send(redisKey, command)
    } catch (error) {
      throw redisError(error, [redisKey])
    }
  }

  async runStep(
    step: RedisStep,
    redisKeys: RedisKeys,
    args: readonly string[],
  ): Promise<StepAnswer> {
    try {
      return await step.run(this.connection, redisKeys, args)
    } catch (error) {
      throw redisError(error, redisKeys)
    }
  }

  /**
   * What a command reads, in one round trip; `undefined` where that is no session: it is of another
   * type, or has no ttl, which each session has.
   */
  async readMortal(redisKey: string, command: readonly string[]): Promise<unknown> {
    const reading = this.send(redisKey, command).catch(error => {
      if (isOfOtherType(error)) return undefined
      throw error
    })
    const [reply, left] = await Promise.all([reading, this.timeLeft(redisKey)])
    return left > 0 ? reply : undefined
  }

  /** How long a key has to live, in milliseconds; negative when it is not there, or lives for ever. */
  async timeLeft(redisKey: string): Promise<number> {
    return Number(await this.send(redisKey, ['pttl', redisKey]))
  }

  /** Removes a session, and tells those who watch it. Logging out needs no script. */
  async remove(redisKey: string, { script, measure }: Removal, note: EndedNote): Promise<void> {
    try {
      const answer = await this.runStep(script, [redisKey], note)
      if (answer === DONE) this.tellEnded(note)
    } catch (error) {
      if (!isScriptForbidden(error)) throw error
      await this.send(redisKey, [measure, redisKey])
      if (Number(await this.send(redisKey, ['unlink', redisKey])) === 1) this.#publish(note)
    }
  }

  /** For servers whose scripts may not publish. */
  tellEnded(note: EndedNote): void {
    if (!publishesItself(this.connection)) this.#publish(note)
  }

  /**
   * Lets a key live for so long, unless it lives for longer already. Longer than the ttl can only have
   * been allowed by a ttl that was lowered since.
   */
  async slide(redisKey: string, left: number, ttl: number): Promise<void> {
    const expire = (time: number, ...condition: string[]): Promise<unknown> =>
      this.send(redisKey, ['pexpire', redisKey, String(Math.ceil(time)), ...condition])
    if (Number(await expire(left, 'gt')) === 0) await expire(ttl, 'xx', 'lt')
  }

  /** Nobody waits for it: whoever watches looks by itself as well. */
  #publish(note: EndedNote): void {
    const [channel] = note
    this.send(channel, ['publish', ...note]).catch(() => undefined)
  }
}
