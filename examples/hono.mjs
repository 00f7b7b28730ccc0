// Sessions in Hono: node examples/hono.mjs, then
//   curl -c jar -b jar -d user=ann localhost:3000/login; curl -c jar -b jar localhost:3000
import { serve } from '@hono/node-server'
import { Manager } from 'gsession'
import { session } from 'gsession/hono'
import { Hono } from 'hono'

const { PORT = '3000' } = process.env
const app = new Hono()
app.use(session(new Manager()))

app.get('/', async c => {
  const views = await c.var.session.update('views', (n = 0) => n + 1)
  return c.json({ user: await c.var.session.get('user', 'nobody'), views })
})

app.post('/login', async c => {
  const form = await c.req.parseBody()
  // Whoever knew the id before the login does not know it any more.
  await c.var.session.regenerateId()
  await c.var.session.set('user', String(form.user))
  return c.redirect('/')
})

app.post('/logout', async c => {
  await c.var.session.removeAll()
  return c.redirect('/')
})

serve({ fetch: app.fetch, port: Number(PORT) }, ({ port }) => {
  console.log(`Listening on http://localhost:${port}`)
})
