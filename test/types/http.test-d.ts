// Checked by the compiler, not run: each line that must not compile says so.

import { createServer } from 'node:http'
import { Manager, type Session } from 'gsession'
import { type NodeSessionOptions, session } from 'gsession/http'

interface Visit {
  user: string
}

const manager = new Manager<Visit>()
const given: NodeSessionOptions = { name: 'visit' }

createServer(
  session(
    manager,
    given,
  )(async (request, response) => {
    const own: Session<Visit> = request.session
    response.end(await own.get('user'))
  }),
)

/** Under a property of its own. */
createServer(
  session(manager, { property: 'adminSession', name: 'admin' })(async (request, response) => {
    const own: Session<Visit> = request.adminSession
    const url: string | undefined = request.url
    // @ts-expect-error: it is not there
    request.session
    response.end(`${url} ${await own.get('user')}`)
  }),
)

// @ts-expect-error: a property has a name
session(manager, { property: 1 })
