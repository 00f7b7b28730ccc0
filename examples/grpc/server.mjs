// A gRPC server with sessions: node examples/grpc/server.mjs
import { fileURLToPath } from 'node:url'
import { loadPackageDefinition, Server, ServerCredentials, status } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { Manager, StorageMemory } from 'gsession'
import { session, sessionOf, statusOf } from 'gsession/grpc'

const { PORT = '8202' } = process.env
const manager = new Manager({ storage: new StorageMemory() })

/** A handler of unary calls: its result is the answer, and what it throws becomes the status. */
const unary = handler => (call, callback) => {
  handler(sessionOf(call), call.request).then(
    answer => callback(null, answer),
    error => callback(statusOf(error)),
  )
}

async function visit(session) {
  const visits = await session.update('visits', (n = 0) => n + 1)
  return { name: await session.get('name', ''), visits }
}

async function login(session, { name }) {
  await session.set('name', name)
  // Against session fixation: whoever logs in gets a new id.
  await session.regenerateId()
  return { name, visits: await session.get('visits', 0) }
}

async function logout(session) {
  await session.removeAll()
  return {}
}

async function news(call) {
  try {
    const name = await sessionOf(call).get('name')
    if (name === undefined) {
      call.emit('error', { code: status.UNAUTHENTICATED, details: 'Log in first' })
      return
    }
    let count = 0
    const tell = () => call.write({ text: `News ${++count} for ${name}` })
    const timer = setInterval(tell, 1000)
    // When the client has gone, and when the session has ended.
    call.on('cancelled', () => clearInterval(timer))
    tell()
  } catch (error) {
    call.emit('error', statusOf(error))
  }
}

const proto = fileURLToPath(new URL('account.proto', import.meta.url))
const { account } = loadPackageDefinition(loadSync(proto))
const server = new Server({ interceptors: [session(manager)] })
server.addService(account.Account.service, {
  visit: unary(visit),
  login: unary(login),
  logout: unary(logout),
  news,
})
// In production ServerCredentials.createSsl: whoever can read an id has the session.
server.bindAsync(`127.0.0.1:${PORT}`, ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error
  console.log(`Listening on 127.0.0.1:${port}`)
})
