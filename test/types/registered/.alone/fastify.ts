import fastify from 'fastify'
import { Manager } from 'gsession'
import session from 'gsession/fastify'
import { expectType } from './expect-type.ts'
import type { User } from './register.ts'

export const app = fastify()
app.register(session, { manager: new Manager<{ user: User; views: number }>(), name: 'sid' })
app.get('/', async request => {
  expectType<User | undefined>()(await request.session.get('user'))
  expectType<number>()(await request.session.update('views', (n = 0) => n + 1))
  // @ts-expect-error: there is no such key
  await request.session.get('nope')
  // @ts-expect-error: views is a number
  await request.session.set('views', 'x')
})
