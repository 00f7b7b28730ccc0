// Checked by the compiler, not run: each line that must not compile says so.

import { Manager, type Session } from 'gsession'
import { session } from 'gsession/koa'
import Koa, { type Context, type DefaultState } from 'koa'

/** An interface will do as data, without an index signature. */
interface Visit {
  user: string
  views: number
}

/** Without `Register`: the context of one application. */
export const app = new Koa<DefaultState, { session: Session<Visit> }>()
app.use(session(new Manager<Visit>(), { name: 'visit' }))
app.use(async context => {
  const views: number = await context.session.update('views', (n = 0) => n + 1)
  // @ts-expect-error: there is no such key
  await context.session.get('nope')
  // @ts-expect-error: views is a number
  await context.session.set('views', 'x')
  context.body = `${views}`
})

// @ts-expect-error: a name is a text
session(new Manager(), { name: 1 })

/** Without a data type nothing is known of the values. */
export async function untyped(context: Context): Promise<number> {
  const own: Session<Record<string, unknown>> = context.session
  await own.set('views', 1)
  // @ts-expect-error: nothing is known of the value
  const views: number = await own.get('views')
  return views
}
