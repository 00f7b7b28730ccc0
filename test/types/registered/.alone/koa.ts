import { Manager } from 'gsession'
import { session } from 'gsession/koa'
import Koa from 'koa'
import { expectType } from './expect-type.ts'
import type { User } from './register.ts'

export const app = new Koa()
app.use(session(new Manager<{ user: User; views: number }>(), { name: 'sid' }))
app.use(async context => {
  expectType<User | undefined>()(await context.session.get('user'))
  expectType<number>()(await context.session.update('views', (n = 0) => n + 1))
  // @ts-expect-error: there is no such key
  await context.session.get('nope')
  // @ts-expect-error: views is a number
  await context.session.set('views', 'x')
})
