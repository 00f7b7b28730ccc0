/** For how long it is noted that a session has moved: a client that sends again does so earlier. */
const NOTE_TTL = 60_000

/**
 * For a script that removes KEYS[1] after it was stored elsewhere. The note, beside it in the same slot,
 * tells a command that the client sends twice from a session that somebody else removed. It is no key
 * of the script's, and does without where it may not be written: while a slot moves to another node,
 * a script with two keys would have to wait, and be carried out after its call has failed.
 */
export const MOVED_NOTE: string = `
local tagged = string.find(KEYS[1], '^[^{]*{[^}]+}')
local note = (tagged and KEYS[1] or '{' .. KEYS[1] .. '}') .. ':moved'
local function isNoted(mark)
  return redis.pcall('get', note) == mark
end
local function takeNote(mark)
  redis.pcall('set', note, mark, 'px', ${NOTE_TTL})
end`
