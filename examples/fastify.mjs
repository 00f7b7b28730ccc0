// Sessions in Fastify: node examples/fastify.mjs, then
//   curl -c jar -b jar -d user=ann localhost:3000/login; curl -c jar -b jar localhost:3000
import fastify from 'fastify'
import { Manager } from 'gsession'
import session from 'gsession/fastify'

const { PORT = '3000' } = process.env
const app = fastify()
app.register(session, { manager: new Manager() })

const form = 'application/x-www-form-urlencoded'
app.addContentTypeParser(form, { parseAs: 'string' }, async (_request, body) =>
  Object.fromEntries(new URLSearchParams(body)),
)

app.get('/', async request => {
  const views = await request.session.update('views', (n = 0) => n + 1)
  return { user: await request.session.get('user', 'nobody'), views }
})

app.post('/login', async (request, reply) => {
  // Whoever knew the id before the login does not know it any more.
  await request.session.regenerateId()
  await request.session.set('user', String(request.body.user))
  return reply.redirect('/')
})

app.post('/logout', async (request, reply) => {
  await request.session.removeAll()
  return reply.redirect('/')
})

await app.listen({ port: Number(PORT) })
console.log(`Listening on http://localhost:${app.server.address().port}`)
