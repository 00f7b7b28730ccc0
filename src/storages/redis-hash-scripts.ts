import { removalOfMoved } from './redis-removal.ts'
import { RedisScript } from './redis-script.ts'
import { TELL_ENDED } from './redis-watch.ts'
import { MARK_KEY, MARKS_LENGTH, WRITER_LENGTH } from './write-mark.ts'

/** The field that notes the types of the others: a JSON object, field by letter. */
export const TYPES_FIELD = '__gsession:types'

/**
 * `put(at)` sets and removes the fields that the arguments from `at` on tell: how many to set, each with
 * value and type; how many to remove. The note of types follows. Some servers take only scripts that name
 * each key as `KEYS[n]`, and that do without `unpack`.
 */
const putInto = (redisKey: string): string => `
local function put(at)
  local noted = redis.call('hget', ${redisKey}, '${TYPES_FIELD}')
  local known, types = pcall(cjson.decode, noted or '{}')
  if not known or type(types) ~= 'table' then types = {} end
  local last = at + ARGV[at] * 3
  for i = at + 1, last, 3 do
    redis.call('hset', ${redisKey}, ARGV[i], ARGV[i + 1])
    types[ARGV[i]] = ARGV[i + 2] ~= '' and ARGV[i + 2] or nil
  end
  for i = last + 2, last + 1 + ARGV[last + 1] do
    redis.call('hdel', ${redisKey}, ARGV[i])
    types[ARGV[i]] = nil
  end
  local text = next(types) and cjson.encode(types) or '{}'
  if text ~= noted then redis.call('hset', ${redisKey}, '${TYPES_FIELD}', text) end
end`

/** Marks the write, so that a command that the client sends twice is known the second time. */
const markOf = (redisKey: string): string => `
local function marked(mark)
  local marks = redis.call('hget', ${redisKey}, '${MARK_KEY}')
  return marks and string.find(marks, mark, 1, true) ~= nil
end
local function setMark(mark)
  local marks = redis.call('hget', ${redisKey}, '${MARK_KEY}') or ''
  local writer = string.sub(mark, 1, ${WRITER_LENGTH})
  marks = string.gsub(marks, writer .. '%x* ?', '') .. ' ' .. mark
  marks = string.sub(string.gsub(marks, '^ +', ''), -${MARKS_LENGTH})
  redis.call('hset', ${redisKey}, '${MARK_KEY}', marks)
end`

const PUT = putInto('KEYS[1]')
const MARK = markOf('KEYS[1]')

/** KEYS: session. ARGV: mark, ttl, what to put. Answers 0 when it exists. */
export const createIfAbsent: RedisScript = new RedisScript(`${PUT}${MARK}
if redis.call('exists', KEYS[1]) == 1 then return marked(ARGV[1]) and 1 or 0 end
put(3)
setMark(ARGV[1])
redis.call('pexpire', KEYS[1], ARGV[2])
return 1`)

/** The same, in place of what is there. */
export const replaceAll: RedisScript = new RedisScript(`${PUT}
redis.call('unlink', KEYS[1])
put(3)
redis.call('pexpire', KEYS[1], ARGV[2])
return 1`)

/** The same into what is there, or where nothing is. */
export const putAlways: RedisScript = new RedisScript(`${PUT}
put(3)
redis.call('pexpire', KEYS[1], ARGV[2])
return 1`)

/** KEYS: session. ARGV: mark, ttl (0 leaves it), what to put. Answers 0 when there is no session. */
export const mergeIfPresent: RedisScript = new RedisScript(`${PUT}
if redis.call('exists', KEYS[1]) == 0 then return 0 end
put(3)
if ARGV[2] ~= '0' then redis.call('pexpire', KEYS[1], ARGV[2]) end
return 1`)

/**
 * KEYS: session. ARGV: mark, ttl, field, whether it shall be there, its value if so, what to put.
 * Answers 0 when there is no session; the field's value and the types when the field is another.
 */
export const mergeIfSame: RedisScript = new RedisScript(`${PUT}${MARK}
if redis.call('exists', KEYS[1]) == 0 then return 0 end
if marked(ARGV[1]) then return 1 end
local value = redis.call('hget', KEYS[1], ARGV[3])
local wanted = ARGV[4] == '1' and ARGV[5]
if value ~= wanted then return {value, redis.call('hget', KEYS[1], '${TYPES_FIELD}')} end
put(6)
setMark(ARGV[1])
redis.call('pexpire', KEYS[1], ARGV[2])
return 1`)

/**
 * KEYS: session, new session. ARGV: mark, ttl, whether to keep the old one, channel, message, what to
 * put. Answers 0 when there is no session, 2 when the new id is taken.
 */
export const moveKey: RedisScript = new RedisScript(
  TELL_ENDED + move('tellEnded(ARGV[4], ARGV[5])'),
  move(''),
)

function move(tell: string): string {
  return `${putInto('KEYS[2]')}${markOf('KEYS[2]')}
if marked(ARGV[1]) then return 1 end
if redis.call('exists', KEYS[1]) == 0 then return 0 end
if redis.call('exists', KEYS[2]) == 1 then return 2 end
redis.call('copy', KEYS[1], KEYS[2])
put(6)
setMark(ARGV[1])
redis.call('pexpire', KEYS[2], ARGV[2])
if ARGV[3] == '0' then
  redis.call('unlink', KEYS[1])
  ${tell}
end
return 1`
}

/**
 * KEYS: session. ARGV: mark, channel, message, each field with its value. Answers 0 when something else
 * is there.
 */
export const removeIfSame: RedisScript = removalOfMoved(`
if redis.call('hlen', KEYS[1]) ~= (#ARGV - 3) / 2 then return 0 end
for i = 4, #ARGV, 2 do
  if redis.call('hget', KEYS[1], ARGV[i]) ~= ARGV[i + 1] then return 0 end
end`)
