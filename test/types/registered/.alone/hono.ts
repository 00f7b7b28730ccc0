import { Manager } from 'gsession'
import { session } from 'gsession/hono'
import { Hono } from 'hono'
import { expectType } from './expect-type.ts'
import type { User } from './register.ts'

export const app = new Hono()
app.use(session(new Manager<{ user: User; views: number }>(), { name: 'sid' }))
app.get('/', async c => {
  expectType<User | undefined>()(await c.var.session.get('user'))
  expectType<User | undefined>()(await c.get('session').get('user'))
  expectType<number>()(await c.var.session.update('views', (n = 0) => n + 1))
  // @ts-expect-error: there is no such key
  await c.var.session.get('nope')
  // @ts-expect-error: views is a number
  await c.var.session.set('views', 'x')
  return c.text('ok')
})
