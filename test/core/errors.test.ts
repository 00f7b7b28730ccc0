import { SessionError } from 'gsession'
import { expect, it } from 'vitest'

it.each([
  ['ERR_GONE', 409],
  ['ERR_STORAGE', 503],
  ['ERR_CLOSED', 503],
  ['ERR_VALUE', undefined],
] as const)('the status of %s is %s', (code, status) => {
  const error = new SessionError(code, 'It failed')
  expect([error.status, error.statusCode]).toEqual([status, status])
})
