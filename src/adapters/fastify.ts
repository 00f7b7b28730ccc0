import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Manager } from '../core/manager.ts'
import type { RegisteredData } from '../core/register.ts'
import type { Session } from '../core/session.ts'
import {
  ANSWER_HEADERS,
  checkArguments,
  cutOff,
  type HttpSessionOptions,
  NodeRun,
  refuseCall,
  resolveHttpOptions,
} from '../http/index.ts'

export type { CookieOptions, HttpSessionOptions } from '../http/index.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The visitor's session; see `Register` of `gsession` for its type. */
    session: Session<RegisteredData>
  }
}

/** The options of every adapter, and the manager. */
export interface FastifySessionOptions extends HttpSessionOptions {
  /** A `Manager` of any data type; what of it does not depend on that type. */
  manager: Pick<Manager, 'ttl' | 'storage' | 'close'>
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
const session: FastifyPluginAsync<FastifySessionOptions> = (app, options) => {
  // Whoever calls it, as the other adapters are called, must not get a promise that nobody awaits.
  if (typeof app?.decorateRequest === 'function') return register(app, options)
  refuseCall('The session is a plugin', CALL, app)
}

const CALL = 'app.register(session, { manager })'

const register: FastifyPluginAsync<FastifySessionOptions> = async (app, options) => {
  const { manager: anyManager, ...httpOptions } = options
  checkArguments(anyManager, options, CALL)
  const manager = anyManager as Manager<object>
  const settings = resolveHttpOptions(httpOptions, ['manager'])
  app.decorateRequest('session')
  app.decorateRequest(RUN)
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
    const run = request[RUN]
    if (run === undefined) return next()
    run.handlerFailed()
    run.run(next)
  })
  app.addHook('onSend', (request: RunningRequest, _reply, _payload, next) => {
    const run = request[RUN]
    if (run?.needsSave !== true) return next()
    // Fastify catches what goes wrong after a promise, but not what goes wrong in a late `next`.
    return run.saveBeforeSending()
  })
}

/** The save that failed was one of what changed after this plugin's last hook, or of a raw answer. */
function saveFailed(reply: FastifyReply, error: unknown): void {
  if (!reply.raw.headersSent && !reply.sent) {
    for (const name of ANSWER_HEADERS) reply.removeHeader(name)
    reply.send(error)
    return
  }
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
