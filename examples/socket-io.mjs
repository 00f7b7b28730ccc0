// Sessions for socket.io: node examples/socket-io.mjs, then open http://localhost:3000 in two tabs,
// log in, and log out in one of them.
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { Manager } from 'gsession'
import { session } from 'gsession/http'
import { attachSession } from 'gsession/ws'
import { Server } from 'socket.io'

const { PORT = '3000' } = process.env
const manager = new Manager()

const PAGE = `<!doctype html><title>socket.io</title>
<form id="login"><input name="user" value="ann"><button>Log in</button></form>
<button id="logout">Log out</button> <button id="count">Count</button>
<pre id="log"></pre>
<script src="/socket.io/socket.io.js"></script>
<script>
  const say = line => { log.textContent += line + '\\n' }
  const post = (path, body) => fetch(path, { method: 'POST', body })
  const socket = io()
  socket.on('hello', user => say('hello ' + user))
  socket.on('disconnect', reason => say('closed: ' + reason))
  login.onsubmit = async event => {
    event.preventDefault()
    await post('/login', new URLSearchParams(new FormData(login)))
    socket.disconnect().connect()
  }
  logout.onclick = () => post('/logout')
  count.onclick = async () => say(await socket.emitWithAck('count'))
</script>`

const server = createServer(
  session(manager)(async (request, response) => {
    switch (`${request.method} ${request.url}`) {
      case 'GET /':
        response.setHeader('Content-Type', 'text/html; charset=utf-8')
        return response.end(PAGE)
      case 'POST /login': {
        const form = new URLSearchParams(await text(request))
        // Whoever knew the id before the login does not know it any more.
        await request.session.regenerateId()
        await request.session.set('user', form.get('user') ?? 'nobody')
        return response.end()
      }
      case 'POST /logout':
        await request.session.removeAll()
        return response.end()
      default:
        return response.writeHead(404).end()
    }
  }),
)

const io = new Server(server)
attachSession(io.engine, manager)

io.on('connection', async socket => {
  const { request } = socket
  // Before anything is awaited: nothing that the client sends is missed.
  socket.on('count', reply => {
    count(request).then(reply, error => reply(error.code))
  })
  socket.emit('hello', await request.session.get('user', 'nobody'))
})

/** The session as it is now, with what other tabs and requests have changed. */
async function count(request) {
  const session = request.openSession()
  // A visitor who is not logged in has no session to count in.
  if (!(await session.contains('user'))) return 'log in first'
  return session.update('messages', (n = 0) => n + 1)
}

server.listen(Number(PORT), () => {
  console.log(`Listening on http://localhost:${server.address().port}`)
})
