import { describe, expect, it } from 'vitest'
import { readOnly } from '../../src/core/read-only.ts'

const CHANGES: Readonly<Record<string, (user: { name?: string; tags: string[] }) => unknown>> = {
  'setting a member': user => {
    user.name = 'Eve'
  },
  'deleting a member': user => {
    delete user.name
  },
  'defining a member': user => Object.defineProperty(user, 'role', { value: 'admin' }),
  'another prototype': user => Object.setPrototypeOf(user, null),
  freezing: user => Object.freeze(user),
  'pushing to a list inside': user => user.tags.push('admin'),
  'setting a place of a list inside': user => {
    user.tags[0] = 'admin'
  },
  'emptying a list inside': user => {
    user.tags.length = 0
  },
  'a list that is reached by its descriptor': user =>
    Object.getOwnPropertyDescriptor(user, 'tags')?.value.push('admin'),
}

describe('what a session returned is not changed by', () => {
  it.each(Object.entries(CHANGES))('%s', (_, change) => {
    const stored = { name: 'Ada', tags: ['a'] }
    const refused = expect.objectContaining({ code: 'ERR_VALUE' })
    expect(() => change(readOnly(stored))).toThrow(refused)
    expect(stored).toEqual({ name: 'Ada', tags: ['a'] })
  })
})
