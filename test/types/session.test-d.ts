// Checked by the compiler, not run: each line that must not compile says so.

import { createServer } from 'node:http'
import { Manager, type Session, StorageMemory } from 'gsession'
import { session as http } from 'gsession/http'

interface User {
  readonly name: string
}
type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
declare function expectType<Expected>(): <Actual>(
  value: Actual,
  ...same: Equal<Actual, Expected> extends true ? [] : [never]
) => void

export async function typed(): Promise<void> {
  const manager = new Manager<{ user: User; views: number; nick: string | null }>()
  const session = manager.new()
  expectType<number | undefined>()(await session.get('views'))
  expectType<number>()(await session.get('views', 0))
  expectType<User | null>()(await session.get('user', null))
  expectType<string>()(await session.get('nick', 'none'))
  expectType<number>()(await session.update('views', (n = 0) => n + 1))
  expectType<Readonly<Partial<{ user: User; views: number; nick: string | null }>>>()(
    await session.data(),
  )
  await session.setMap({ views: 1 })
  // @ts-expect-error: views is a number
  await session.set('views', 'x')
  // @ts-expect-error: there is no such key
  await session.get('nope')
  // @ts-expect-error: there is no such key
  await session.remove('nope')
  // @ts-expect-error: the new value must be a number
  await session.update('views', () => 'x')
  // @ts-expect-error: views is a number
  await session.setMap({ views: 'x' })
  // @ts-expect-error: a duration has a unit
  manager.ttl = '24'
}

export async function untyped(): Promise<void> {
  const session: Session = new Manager({ storage: new StorageMemory() }).new()
  await session.set('views', 1)
  expectType<unknown>()(await session.get('views'))
  expectType<number>()(await session.get('views', 0))
  expectType<number>()(await session.update('views', (n: number = 0) => n + 1))
}

/** An interface will do as data, without an index signature. */
interface Visit {
  views: number
}
export const server = createServer(
  http(new Manager<Visit>())(async (request, response) => {
    expectType<number | undefined>()(await request.session.get('views'))
    response.end()
  }),
)
