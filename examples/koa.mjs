// Sessions in Koa: node examples/koa.mjs, then
//   curl -c jar -b jar -d user=ann localhost:3000/login; curl -c jar -b jar localhost:3000
import { text } from 'node:stream/consumers'
import { Manager } from 'gsession'
import { session } from 'gsession/koa'
import Koa from 'koa'

const { PORT = '3000' } = process.env
const app = new Koa()
app.use(session(new Manager()))

app.use(async ctx => {
  switch (`${ctx.method} ${ctx.path}`) {
    case 'GET /': {
      const views = await ctx.session.update('views', (n = 0) => n + 1)
      ctx.body = { user: await ctx.session.get('user', 'nobody'), views }
      break
    }
    case 'POST /login': {
      const form = new URLSearchParams(await text(ctx.req))
      // Whoever knew the id before the login does not know it any more.
      await ctx.session.regenerateId()
      await ctx.session.set('user', form.get('user') ?? 'nobody')
      ctx.redirect('/')
      break
    }
    case 'POST /logout':
      await ctx.session.removeAll()
      ctx.redirect('/')
  }
})

const server = app.listen(Number(PORT), () => {
  console.log(`Listening on http://localhost:${server.address().port}`)
})
