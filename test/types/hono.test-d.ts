// Checked by the compiler, not run: each line that must not compile says so.

import { Manager, type Session } from 'gsession'
import { type SessionVariables, session } from 'gsession/hono'
import { Hono } from 'hono'
import { createMiddleware } from 'hono/factory'

/** An interface will do as data, without an index signature. */
interface Visit {
  user: string
  views: number
}

const manager = new Manager<Visit>()

/** Without `Register`: the variables of one application. */
export const app = new Hono<{ Variables: SessionVariables<Visit> }>()
app.use(session(manager, { name: 'visit' }))
app.get('/', async c => {
  const own: Session<Visit> = c.var.session
  const views: number = await own.update('views', (n = 0) => n + 1)
  // @ts-expect-error: there is no such key
  await c.var.session.get('nope')
  // @ts-expect-error: views is a number
  await c.get('session').set('views', 'x')
  return c.text(`${views}`)
})

/** The middleware alone tells it to the handlers of its route, in an application that knows nothing. */
export const plain = new Hono().get('/', session(manager), async c => {
  const user: string | undefined = await c.var.session.get('user')
  return c.text(user ?? 'nobody')
})

/** A middleware of one's own that needs a session. */
export const needsUser = createMiddleware<{ Variables: SessionVariables<Visit> }>(
  async (c, next) => {
    if (!(await c.var.session.contains('user'))) return c.text('who are you?', 401)
    return next()
  },
)

// @ts-expect-error: a name is a text
session(manager, { name: 1 })

/** Without a data type nothing is known of the values. */
export const untyped = new Hono().use(session(new Manager())).get('/', async c => {
  const own: Session<Record<string, unknown>> = c.var.session
  await own.set('views', 1)
  // @ts-expect-error: nothing is known of the value
  const views: number = await own.get('views')
  return c.text(`${views}`)
})

/** A second session beside the first, under a property of its own. */
interface Admin {
  admin: string
}
export const admin = new Hono()
  .use(session(manager))
  .use(session(new Manager<Admin>(), { property: 'adminSession', name: 'admin' }))
  .get('/', async c => {
    const own: Session<Admin> = c.var.adminSession
    const first: Session<Visit> = c.var.session
    // @ts-expect-error: there is no such property
    c.var.otherSession
    return c.text(`${await own.get('admin')} ${await first.get('user')}`)
  })
