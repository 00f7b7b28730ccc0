// Sessions for WebSockets: node examples/websocket.mjs, then open http://localhost:3000 in two tabs,
// log in, and log out in one of them.
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { Manager } from 'gsession'
import { session as httpSession } from 'gsession/http'
import { session } from 'gsession/ws'
import { WebSocketServer } from 'ws'

const { PORT = '3000' } = process.env
const manager = new Manager()

const PAGE = `<!doctype html><title>WebSocket</title>
<form id="login"><input name="user" value="ann"><button>Log in</button></form>
<button id="logout">Log out</button> <button id="count">Count</button>
<pre id="log"></pre>
<script>
  let socket
  const say = line => { log.textContent += line + '\\n' }
  const post = (path, body) => fetch(path, { method: 'POST', body })
  function open() {
    socket = new WebSocket(location.origin.replace('http', 'ws'))
    socket.onmessage = event => say(event.data)
    socket.onclose = event => say('closed: ' + event.code + ' ' + event.reason)
  }
  login.onsubmit = async event => {
    event.preventDefault()
    await post('/login', new URLSearchParams(new FormData(login)))
    open()
  }
  logout.onclick = () => post('/logout')
  count.onclick = () => socket.send('count')
  open()
</script>`

const server = createServer(
  httpSession(manager)(async (request, response) => {
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

const sockets = new WebSocketServer({ noServer: true })
server.on('upgrade', session(manager)(sockets))

sockets.on('connection', async (socket, request) => {
  const user = await request.session.get('user')
  socket.send(JSON.stringify({ user: user ?? 'nobody' }))
  // A visitor who is not logged in has no session to count in.
  if (user === undefined) return
  socket.on('message', () => {
    count(request).then(
      counted => socket.send(JSON.stringify(counted)),
      error => socket.close(1011, error.code),
    )
  })
})

/** The session as it is now, with what other tabs and requests have changed. */
async function count(request) {
  const session = request.openSession()
  const messages = await session.update('messages', (n = 0) => n + 1)
  return { user: await session.get('user'), messages }
}

server.listen(Number(PORT), () => {
  console.log(`Listening on http://localhost:${server.address().port}`)
})
