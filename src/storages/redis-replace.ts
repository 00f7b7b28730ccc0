import { messageOf } from '../core/errors.ts'
import type { RedisConnection } from './redis-client.ts'
import {
  DONE,
  type RedisKeys,
  RedisScript,
  type RedisStep,
  type StepAnswer,
} from './redis-script.ts'

/** For servers that do not compare by themselves. */
const replaceIfSame = new RedisScript(`
local text = redis.call('get', KEYS[1])
if text ~= ARGV[1] then return {text} end
redis.call('set', KEYS[1], ARGV[2], 'px', ARGV[3])
return 1`)

/**
 * Replaces a text by another one, if it still stands there. KEYS: session. ARGV: expected text, new
 * text, ttl. Answers `DONE`, or a list of what stands there instead: a text, or null.
 *
 * Valkey from 8.1 on and Redis from 8.4 on compare and set in one command. Others refuse it, once, and
 * are given a script from then on.
 */
export class RedisReplace implements RedisStep {
  #isCommand = true

  run(
    connection: RedisConnection,
    redisKeys: RedisKeys,
    args: readonly string[],
  ): Promise<StepAnswer> {
    return this.#isCommand
      ? this.#runCommand(connection, redisKeys, args)
      : replaceIfSame.run(connection, redisKeys, args)
  }

  async #runCommand(
    connection: RedisConnection,
    redisKeys: RedisKeys,
    args: readonly string[],
  ): Promise<StepAnswer> {
    const [redisKey] = redisKeys
    const [expected = '', text = '', ttl = ''] = args
    try {
      const command = ['set', redisKey, text, 'ifeq', expected, 'px', ttl]
      const answer = await connection.send(redisKey, command)
      return answer === null ? [await connection.send(redisKey, ['get', redisKey])] : DONE
    } catch (error) {
      if (!isRefusal(error)) throw error
      this.#isCommand = false
      return replaceIfSame.run(connection, redisKeys, args)
    }
  }
}

/** What a server answers to a command that it does not understand; all other errors have names of their own. */
function isRefusal(error: unknown): boolean {
  return messageOf(error).startsWith('ERR ')
}
