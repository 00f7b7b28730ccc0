// Sessions for all that answers a Request with a Response: node examples/fetch.mjs, then
//   curl -c jar -b jar -d user=ann localhost:3000/login; curl -c jar -b jar localhost:3000
import { serve } from '@hono/node-server'
import { Manager } from 'gsession'
import { session } from 'gsession/fetch'

const { PORT = '3000' } = process.env
const withSession = session(new Manager())

const answer = withSession(async (request, session) => {
  switch (`${request.method} ${new URL(request.url).pathname}`) {
    case 'GET /': {
      const views = await session.update('views', (n = 0) => n + 1)
      return Response.json({ user: await session.get('user', 'nobody'), views })
    }
    case 'POST /login': {
      const form = new URLSearchParams(await request.text())
      // Whoever knew the id before the login does not know it any more.
      await session.regenerateId()
      await session.set('user', form.get('user') ?? 'nobody')
      return Response.redirect(new URL('/', request.url))
    }
    case 'POST /logout':
      await session.removeAll()
      return Response.redirect(new URL('/', request.url))
    default:
      return new Response('Not Found', { status: 404 })
  }
})

// Bun: Bun.serve({ fetch: answer }). Deno: Deno.serve(answer).
serve({ fetch: answer, port: Number(PORT) }, ({ port }) => {
  console.log(`Listening on http://localhost:${port}`)
})
