import { Manager, SessionError, StorageMemory } from 'gsession'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { readOnly } from '../../src/core/read-only.ts'
import type { StandardSchema } from '../../src/core/standard-schema.ts'
import { Var } from '../../src/core/var.ts'

const User = z.object({ name: z.string(), age: z.coerce.number() })

async function refusalOf(scan: Promise<unknown>): Promise<SessionError> {
  try {
    await scan
  } catch (error) {
    if (error instanceof SessionError) return error
    throw error
  }
  throw new Error('The schema took the value')
}

describe('scan with a zod schema', () => {
  it('gives what the schema makes of the value, in its type', async () => {
    const user: { name: string; age: number } = await new Var({ name: 'Ada', age: '36' }).scan(User)
    expect(user).toEqual({ name: 'Ada', age: 36 })
  })

  it('takes the read-only value of a session', async () => {
    const manager = new Manager({ storage: new StorageMemory() })
    const session = manager.new()
    await session.set('users', [{ name: 'Ada', age: 36 }])
    const users = await (await session.var('users')).scan(z.array(User))
    expect(users).toEqual([{ name: 'Ada', age: 36 }])
    await manager.close()
  })

  it('takes a read-only map as a record, and a bigint', async () => {
    const value = readOnly({ a: 9_223_372_036_854_775_807n })
    expect(await new Var(value).scan(z.record(z.string(), z.bigint()))).toEqual(value)
  })

  it('waits for a schema that is asynchronous', async () => {
    const known = z.string().refine(async name => (await Promise.resolve(['Ada'])).includes(name), {
      error: 'nobody knows them',
    })
    expect(await new Var('Ada').scan(known)).toBe('Ada')
    expect(await refusalOf(new Var('Bob').scan(known))).toMatchObject({
      code: 'ERR_VALUE',
      message: "The session's value is not what the schema expects: nobody knows them",
    })
  })

  it('gives an absent key as undefined to a schema that allows it', async () => {
    expect(await new Var(undefined).scan(User.optional())).toBeUndefined()
    expect(await new Var(undefined).scan(z.number().default(5))).toBe(5)
  })

  it('refuses an absent key and null for a schema that does not allow them (GoFrame: does nothing)', async () => {
    expect(await refusalOf(new Var(undefined).scan(User))).toMatchObject({ code: 'ERR_VALUE' })
    expect(await refusalOf(new Var(null).scan(User))).toMatchObject({ code: 'ERR_VALUE' })
    expect(await new Var(null).scan(User.nullable())).toBeNull()
  })
})

describe('what a schema refuses', () => {
  it('is an ERR_VALUE that names the path and the reason (GoFrame: skips the field)', async () => {
    const schema = z.object({ users: z.array(User) })
    const refusal = await refusalOf(new Var({ users: [{ name: 5, age: 36 }] }).scan(schema))
    expect(refusal.code).toBe('ERR_VALUE')
    expect(refusal.message).toMatch(/users\.0\.name: .*expected string, received number/)
  })

  it('names every path, one after another', async () => {
    const schema = z.object({ a: z.string('no text'), b: z.object({ c: z.number('no number') }) })
    const refusal = await refusalOf(new Var({ b: {} }).scan(schema))
    expect(refusal.message).toMatch(/: a: no text; b\.c: no number$/)
  })

  it('names only the reason when it is the value as a whole', async () => {
    const refusal = await refusalOf(new Var('Ada').scan(z.number('no number')))
    expect(refusal.message).toMatch(/expects: no number$/)
  })

  it('includes the JSON text of what it expects (GoFrame: parses it)', async () => {
    const refusal = await refusalOf(new Var('{"name":"Ada","age":36}').scan(User))
    expect(refusal.message).toMatch(/expected object, received string/)
  })
})

describe('scan with any Standard Schema', () => {
  const refuseAt = (path: readonly (PropertyKey | { key: PropertyKey })[]) =>
    ({
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: () => ({ issues: [{ message: 'refused', path }] }),
      },
    }) satisfies StandardSchema<never>

  it.each([
    [[], 'expects: refused'],
    [['a', 0], 'expects: a.0: refused'],
    [[{ key: 'a' }, { key: 1 }], 'expects: a.1: refused'],
    [[Symbol('a')], 'expects: Symbol(a): refused'],
  ])('reads the path %o', async (path, end) => {
    const refusal = await refusalOf(new Var(1).scan(refuseAt(path)))
    expect(refusal.message.endsWith(end)).toBe(true)
  })

  it('rejects with what a schema throws', async () => {
    const broken = new Error('broken schema')
    const schema: StandardSchema<never> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: () => {
          throw broken
        },
      },
    }
    await expect(new Var(1).scan(schema)).rejects.toBe(broken)
  })
})
