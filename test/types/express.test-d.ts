// Checked by the compiler, not run: each line that must not compile says so.

import express from 'express'
import { Manager, type Session } from 'gsession'
import { session } from 'gsession/express'

/** An interface will do as data, without an index signature. */
interface Visit {
  views: number
}

export const app = express()
  .use(session(new Manager()))
  .use('/visits', session(new Manager<Visit>(), { name: 'visit' }))
  // @ts-expect-error: there is no such option
  .use(session(new Manager(), { cokie: {} }))

app.get('/', async (request, response) => {
  const own: Session<Record<string, unknown>> = request.session
  await own.set('views', 1)
  // @ts-expect-error: nothing is known of the value
  const views: number = await own.get('views')
  response.json(views)
})

export const router = express.Router().use(session(new Manager<Visit>()))
