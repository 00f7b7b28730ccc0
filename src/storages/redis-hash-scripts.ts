import { MOVED_NOTE } from './redis-moved-note.ts'
import { RedisScript } from './redis-script.ts'
import { TELL_ENDED } from './redis-watch.ts'
import { MARK_KEY, MARKS_LENGTH, WRITER_LENGTH } from './write-mark.ts'

/** The field that notes the types of the others: a JSON object, field by letter. */
export const TYPES_FIELD = '__gsession:types'

/**
 * `put(redisKey, at)` sets and removes the fields that the arguments from `at` on tell: how many to
 * set, each with value and type; how many to remove. The note of types follows.
 */
const PUT = `
local function put(redisKey, at)
  local noted = redis.call('hget', redisKey, '${TYPES_FIELD}')
  local known, types = pcall(cjson.decode, noted or '{}')
  if not known or type(types) ~= 'table' then types = {} end
  local list = {}
  local last = at + ARGV[at] * 3
  for i = at + 1, last, 3 do
    list[#list + 1] = ARGV[i]
    list[#list + 1] = ARGV[i + 1]
    types[ARGV[i]] = ARGV[i + 2] ~= '' and ARGV[i + 2] or nil
  end
  local gone = {}
  for i = last + 2, last + 1 + ARGV[last + 1] do
    gone[#gone + 1] = ARGV[i]
    types[ARGV[i]] = nil
  end
  local text = next(types) and cjson.encode(types) or '{}'
  if text ~= noted then list[#list + 1] = '${TYPES_FIELD}' list[#list + 1] = text end
  for i = 1, #list, 1000 do
    redis.call('hset', redisKey, unpack(list, i, math.min(i + 999, #list)))
  end
  for i = 1, #gone, 1000 do
    redis.call('hdel', redisKey, unpack(gone, i, math.min(i + 999, #gone)))
  end
end`

/** Marks the write, so that a command that the client sends twice is known the second time. */
const MARK = `
local function marked(redisKey, mark)
  local marks = redis.call('hget', redisKey, '${MARK_KEY}')
  return marks and string.find(marks, mark, 1, true) ~= nil
end
local function setMark(redisKey, mark)
  local marks = redis.call('hget', redisKey, '${MARK_KEY}') or ''
  local writer = string.sub(mark, 1, ${WRITER_LENGTH})
  marks = string.gsub(marks, writer .. '%x* ?', '') .. ' ' .. mark
  marks = string.sub(string.gsub(marks, '^ +', ''), -${MARKS_LENGTH})
  redis.call('hset', redisKey, '${MARK_KEY}', marks)
end`

/** KEYS: session. ARGV: mark, ttl, what to put. Answers 0 when it exists. */
export const createIfAbsent: RedisScript = new RedisScript(`${PUT}${MARK}
if redis.call('exists', KEYS[1]) == 1 then return marked(KEYS[1], ARGV[1]) and 1 or 0 end
put(KEYS[1], 3)
setMark(KEYS[1], ARGV[1])
redis.call('pexpire', KEYS[1], ARGV[2])
return 1`)

/** The same, in place of what is there. */
export const replaceAll: RedisScript = new RedisScript(`${PUT}
redis.call('unlink', KEYS[1])
put(KEYS[1], 3)
redis.call('pexpire', KEYS[1], ARGV[2])
return 1`)

/** The same into what is there, or where nothing is. */
export const putAlways: RedisScript = new RedisScript(`${PUT}
put(KEYS[1], 3)
redis.call('pexpire', KEYS[1], ARGV[2])
return 1`)

/** KEYS: session. ARGV: mark, ttl (0 leaves it), what to put. Answers 0 when there is no session. */
export const mergeIfPresent: RedisScript = new RedisScript(`${PUT}
if redis.call('exists', KEYS[1]) == 0 then return 0 end
put(KEYS[1], 3)
if ARGV[2] ~= '0' then redis.call('pexpire', KEYS[1], ARGV[2]) end
return 1`)

/**
 * KEYS: session. ARGV: mark, ttl, field, whether it shall be there, its value if so, what to put.
 * Answers 0 when there is no session; the field's value and the types when the field is another.
 */
export const mergeIfSame: RedisScript = new RedisScript(`${PUT}${MARK}
if redis.call('exists', KEYS[1]) == 0 then return 0 end
if marked(KEYS[1], ARGV[1]) then return 1 end
local value = redis.call('hget', KEYS[1], ARGV[3])
local wanted = ARGV[4] == '1' and ARGV[5]
if value ~= wanted then return {value, redis.call('hget', KEYS[1], '${TYPES_FIELD}')} end
put(KEYS[1], 6)
setMark(KEYS[1], ARGV[1])
redis.call('pexpire', KEYS[1], ARGV[2])
return 1`)

/**
 * KEYS: session, new session. ARGV: mark, ttl, whether to keep the old one, channel, message, what to
 * put. Answers 0 when there is no session, 2 when the new id is taken.
 */
export const moveKey: RedisScript = new RedisScript(`${PUT}${MARK}${TELL_ENDED}
if marked(KEYS[2], ARGV[1]) then return 1 end
if redis.call('exists', KEYS[1]) == 0 then return 0 end
if redis.call('exists', KEYS[2]) == 1 then return 2 end
redis.call('copy', KEYS[1], KEYS[2])
put(KEYS[2], 6)
setMark(KEYS[2], ARGV[1])
redis.call('pexpire', KEYS[2], ARGV[2])
if ARGV[3] == '0' then
  redis.call('unlink', KEYS[1])
  tellEnded(ARGV[4], ARGV[5])
end
return 1`)

/**
 * KEYS: session. ARGV: mark, channel, message, each field with its value. Answers 0 when something else
 * is there.
 */
export const removeIfSame: RedisScript = new RedisScript(`${MOVED_NOTE}${TELL_ENDED}
if isNoted(ARGV[1]) then return 1 end
if redis.call('hlen', KEYS[1]) ~= (#ARGV - 3) / 2 then return 0 end
for i = 4, #ARGV, 2 do
  if redis.call('hget', KEYS[1], ARGV[i]) ~= ARGV[i + 1] then return 0 end
end
redis.call('unlink', KEYS[1])
takeNote(ARGV[1])
tellEnded(ARGV[2], ARGV[3])
return 1`)
