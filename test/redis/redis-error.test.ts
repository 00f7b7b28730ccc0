import { inspect } from 'node:util'
import { expect, it } from 'vitest'
import { redisError } from '../../src/storages/redis-error.ts'

const ID = 'Ab_-'.repeat(10)
const KEY = `app:session:${ID}`

it.each([
  `WRONGTYPE ${KEY} holds the wrong kind of value`,
  `two keys: ${KEY} and {${KEY}}:moved`,
  `ERR unknown command 'X', with args beginning with: '${KEY}' 'secret'`,
])('an error of Redis tells no key, no id and no argument: %s', text => {
  const error = redisError(new Error(text), [KEY])
  const shown = inspect(error, { depth: 10, showHidden: true })
  for (const secret of ['app:session', ID, 'secret']) expect(shown).not.toContain(secret)
  expect(error.message).toContain(text.slice(0, 9))
})
