import express from 'express'
import { Manager } from 'gsession'
import { session } from 'gsession/express'
import { expectType } from './expect-type.ts'
import type { User } from './register.ts'

export const app = express()
app.use(session(new Manager<{ user: User; views: number }>(), { name: 'sid' }))
app.get('/', async (request, response) => {
  expectType<User | undefined>()(await request.session.get('user'))
  expectType<number>()(await request.session.update('views', (n = 0) => n + 1))
  // @ts-expect-error: there is no such key
  await request.session.get('nope')
  // @ts-expect-error: views is a number
  await request.session.set('views', 'x')
  response.end()
})
