import { removalOfMoved } from './redis-removal.ts'
import { RedisScript } from './redis-script.ts'
import { TELL_ENDED } from './redis-watch.ts'

/**
 * KEYS: session. ARGV: mark, channel, message, expected text. Answers `DONE`, as the next one does, or a
 * list of what stands there instead: a text, or nil.
 */
export const removeIfSame: RedisScript = removalOfMoved(`
local text = redis.call('get', KEYS[1])
if text ~= ARGV[4] then return {text} end`)

/**
 * KEYS: session, new session. ARGV: expected text, new text, ttl, whether to keep the old one, channel,
 * message, the new text's mark or nothing. Answers {@link TAKEN} when the new key is.
 */
export const moveIfSame: RedisScript = new RedisScript(
  TELL_ENDED + move('tellEnded(ARGV[5], ARGV[6])'),
  move(''),
)
/** What {@link moveIfSame} answers when there is another session under the new key. */
export const TAKEN = 0

function move(tell: string): string {
  return `
local taken = redis.call('get', KEYS[2])
if taken then return ARGV[7] ~= '' and string.find(taken, ARGV[7], 1, true) and 1 or 0 end
local text = redis.call('get', KEYS[1])
if text ~= ARGV[1] then return {text} end
redis.call('set', KEYS[2], ARGV[2], 'px', ARGV[3])
if ARGV[4] == '0' then
  redis.call('unlink', KEYS[1])
  ${tell}
end
return 1`
}

/** KEYS: session. ARGV: expected text. */
export const dropIfSame: RedisScript = new RedisScript(`
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('unlink', KEYS[1])`)
