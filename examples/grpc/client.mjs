// A gRPC client with a session: node examples/grpc/client.mjs, while the server runs
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { credentials, loadPackageDefinition, Metadata, status } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'

const { PORT = '8202' } = process.env
const proto = fileURLToPath(new URL('account.proto', import.meta.url))
const { account } = loadPackageDefinition(loadSync(proto))
const client = new account.Account(`127.0.0.1:${PORT}`, credentials.createInsecure())

/** What the server told last: '' is no session. */
let id = ''

function withSession() {
  const metadata = new Metadata()
  if (id !== '') metadata.set('session-id', id)
  return metadata
}

function keepSession(initial) {
  const [told] = initial.get('session-id')
  if (told !== undefined) id = told
}

function ask(method, request = {}) {
  return new Promise((resolve, reject) => {
    const done = (error, answer) => (error === null ? resolve(answer) : reject(error))
    client[method](request, withSession(), done).on('metadata', keepSession)
  })
}

const show = ({ name, visits }) => console.log(`${name || 'somebody'}, visit ${visits}`)

show(await ask('visit'))
show(await ask('visit'))
show(await ask('login', { name: 'Ada' }))
show(await ask('visit'))

const news = client.news({}, withSession()).on('metadata', keepSession)
const [headline] = await once(news, 'data')
console.log(headline.text)

news.on('error', () => {})
const ended = new Promise(resolve => news.once('status', resolve))
await ask('logout')
console.log(id === '' ? 'logged out' : 'still logged in')
const { code, details } = await ended
console.log(`the news ended: ${status[code]}, ${details}`)

show(await ask('visit'))
client.close()
