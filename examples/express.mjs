// Sessions in Express: node examples/express.mjs, then
//   curl -c jar -b jar -d user=ann localhost:3000/login; curl -c jar -b jar localhost:3000
import express from 'express'
import { Manager } from 'gsession'
import { session } from 'gsession/express'

const { PORT = '3000' } = process.env
const app = express()
app.use(session(new Manager()))
app.use(express.urlencoded())

app.get('/', async (request, response) => {
  const views = await request.session.update('views', (n = 0) => n + 1)
  response.json({ user: await request.session.get('user', 'nobody'), views })
})

app.post('/login', async (request, response) => {
  // Whoever knew the id before the login does not know it any more.
  await request.session.regenerateId()
  await request.session.set('user', String(request.body.user))
  response.redirect('/')
})

app.post('/logout', async (request, response) => {
  await request.session.removeAll()
  response.redirect('/')
})

const server = app.listen(Number(PORT), () => {
  console.log(`Listening on http://localhost:${server.address().port}`)
})
