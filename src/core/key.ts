import { isReserved, RESERVED_KEY } from './changes.ts'
import { SessionError } from './errors.ts'

/** The key, if an application may use it. */
export function checkKey(key: unknown): string {
  if (typeof key === 'string' && !isReserved(key)) return key
  const expected = `a string that does not begin with "${RESERVED_KEY}", which the library keeps for itself`
  throw new SessionError('ERR_KEY', `Expected a session key to be ${expected}${adviceOn(key)}`)
}

/** What was taken for a key. */
function adviceOn(key: unknown): string {
  if (typeof key === 'string') return ''
  if (Array.isArray(key))
    return ", got an array: give the keys one by one, as in `remove('a', 'b')`"
  if (typeof key === 'object' && key !== null) {
    return ', got an object: use `setMap({ key: value })` to set several keys'
  }
  return `, got ${key === null || key === undefined ? key : `a ${typeof key}`}`
}

/** What `setMap` was given, if its keys and values can be told. */
export function checkMap<Values extends object>(values: Values): Values {
  const isMap = typeof values === 'object' && values !== null && !(Symbol.iterator in values)
  if (isMap) return values
  const advice = 'use `set(key, value)` for one key, `Object.fromEntries(map)` for a Map'
  throw new SessionError('ERR_VALUE', `Expected an object of keys and values: ${advice}`)
}
