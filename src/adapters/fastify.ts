import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify'
import type { Manager } from '../core/manager.ts'
import type { RegisteredData } from '../core/register.ts'
import type { Session } from '../core/session.ts'
import { cutOff, type HttpSessionOptions, NodeRun, resolveHttpOptions } from '../http/index.ts'

export type { CookieOptions, HttpSessionOptions } from '../http/index.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The visitor's session; see `Register` of `gsession` for its type. */
    session: Session<RegisteredData>
  }
}

/** The options of every adapter, and the manager. */
export interface FastifySessionOptions extends HttpSessionOptions {
  manager: Manager<object>
}

/** Where a request keeps its run. */
const RUN = Symbol('gsession.run')

interface RunningRequest extends FastifyRequest {
  [RUN]?: NodeRun<object>
}

/**
 * Sessions for Fastify 5: all routes of the application, whichever plugin they are in, find theirs at
 * `request.session`. It costs nothing until it is used, and is saved before the response leaves. A
 * save that fails goes to your error handler, in place of the answer.
 *
 * @example
 * await app.register(session, { manager })
 *
 * @throws {@link SessionError} `ERR_OPTION` for a value that an option does not take
 */
const session: FastifyPluginCallback<FastifySessionOptions> = (app, options, done) => {
  const { manager, ...httpOptions } = options
  const settings = resolveHttpOptions(httpOptions, ['manager'])
  app.decorateRequest('session')
  app.addHook('onRequest', (request: RunningRequest, reply, next) => {
    const run = new NodeRun(manager, settings, request.raw, reply.raw, error =>
      saveFailed(reply, error),
    )
    request[RUN] = run
    request.session = run.session as Session<RegisteredData>
    run.run(next)
  })
  // What parses a body is called from outside of any request.
  if (settings.asyncContext) {
    app.addHook('preValidation', (request: RunningRequest, _reply, next) => {
      if (request[RUN] === undefined) next()
      else request[RUN].run(next)
    })
  }
  app.addHook('onError', (request: RunningRequest, _reply, _error, next) => {
    request[RUN]?.handlerFailed()
    next()
  })
  app.addHook('onSend', (request: RunningRequest, _reply, _payload, next) => {
    const run = request[RUN]
    if (run?.needsSave !== true) next()
    else run.saveEarly().then(() => next(), next)
  })
  done()
}

/** The save that failed was one that Fastify did not see: of a reply that was hijacked or streamed. */
function saveFailed(reply: FastifyReply, error: unknown): void {
  reply.log.error(error)
  if (reply.raw.headersSent) cutOff(reply.raw)
  else {
    reply.raw.statusCode = 500
    reply.raw.end()
  }
}

/** What Fastify asks of a plugin that is for the whole application, and of which version. */
Object.assign(session, {
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: 'gsession',
  [Symbol.for('plugin-meta')]: { name: 'gsession', fastify: '5.x' },
})

export default session
