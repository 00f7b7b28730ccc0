import { MOVED_NOTE } from './redis-moved-note.ts'
import { RedisScript } from './redis-script.ts'
import { TELL_ENDED } from './redis-watch.ts'

/** How sessions of one kind are removed. */
export interface Removal {
  readonly script: RedisScript
  /** The command that fails where another type stands. */
  readonly measure: 'strlen' | 'hlen'
}

/**
 * KEYS: session. ARGV: channel, message. Answers whether there was a session. Fails where something of
 * another type stands, which `measure` finds out.
 */
export function removalBy(measure: Removal['measure']): Removal {
  const source = (tell: string): string => `
redis.call('${measure}', KEYS[1])
local removed = redis.call('unlink', KEYS[1])
${tell}
return removed`
  const tell = 'if removed == 1 then tellEnded(ARGV[1], ARGV[2]) end'
  return { script: new RedisScript(TELL_ENDED + source(tell), source('')), measure }
}

/**
 * Removes a session that was stored elsewhere. KEYS: session. ARGV: mark, channel, message, and what
 * `refuse` needs: Lua that returns where something else stands. Where scripts may not touch other keys
 * than those that they are given, it does without the note.
 */
export function removalOfMoved(refuse: string): RedisScript {
  const source = (begin: string, end: string): string => `
${begin}
${refuse}
redis.call('unlink', KEYS[1])
${end}
return 1`
  const end = 'takeNote(ARGV[1])\ntellEnded(ARGV[2], ARGV[3])'
  const noted = 'if isNoted(ARGV[1]) then return 1 end'
  return new RedisScript(MOVED_NOTE + TELL_ENDED + source(noted, end), source('', ''))
}
