import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Manager } from '../core/manager.ts'
import type { RegisteredData } from '../core/register.ts'
import type { Session } from '../core/session.ts'
import {
  ANSWER_HEADERS,
  checkArguments,
  cutOff,
  findShared,
  type HttpSessionOptions,
  type HttpSettings,
  lastPlaced,
  NodeRun,
  refuseCall,
  refuseTaken,
  resolveHttpOptions,
  runShared,
  SessionProperty,
} from '../http/index.ts'
import { FastifyMiddlewares } from './fastify-middlewares.ts'

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

type Runs = Record<symbol, NodeRun<object> | undefined>

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
  decorate(app, settings)
  /** Where a request keeps its run, apart from those of other registrations. */
  const RUN = Symbol('gsession.run')
  app.decorateRequest(RUN)
  const middlewares = new FastifyMiddlewares(manager, settings, saveFailed)
  middlewares.addTo(app)
  const runOf = (request: FastifyRequest, reply: FastifyReply): NodeRun<object> | undefined =>
    runsOf(request)[RUN] ?? middlewares.runOf(request, reply)
  const open = (request: FastifyRequest, reply: FastifyReply): NodeRun<object> => {
    const shared = findShared(request.raw, manager, settings) as NodeRun<object> | undefined
    const failed = (error: unknown): void => saveFailed(reply, error)
    const run = shared ?? new NodeRun(manager, settings, request.raw, reply.raw, failed, request)
    runsOf(request)[RUN] = run
    middlewares.showTo(request, reply)
    return run
  }
  app.addHook('onRequest', (request, reply, next) => {
    let run: NodeRun<object>
    try {
      run = open(request, reply)
    } catch (error) {
      return next(error as Error)
    }
    runShared(run, settings, next)
  })
  // What parses a body is called from outside of any request.
  if (settings.asyncContext) {
    app.addHook('preValidation', (request, _reply, next) => {
      const run = runsOf(request)[RUN]
      if (run === undefined) next()
      else runShared(lastPlaced(request.raw) ?? run, settings, next)
    })
  }
  app.addHook('onError', (request, reply, _error, next) => {
    const run = runOf(request, reply)
    if (run === undefined) return next()
    run.handlerFailed()
    runShared(lastPlaced(request.raw) ?? run, settings, next)
  })
  app.addHook('onSend', (request, reply, _payload, next) => {
    const run = runOf(request, reply)
    if (run?.needsSave !== true) return next()
    // Fastify catches what goes wrong after a promise, but not what goes wrong in a late `next`.
    return run.saveBeforeSending()
  })
}

/** What tells that a decorator is of this plugin, one for each property. */
const MARKS = new Map<string, symbol>()

function decorate(app: FastifyInstance, settings: HttpSettings): void {
  const { property } = settings
  const mark = MARKS.get(property) ?? Symbol(`gsession.${property}`)
  MARKS.set(property, mark)
  // Registered once more, perhaps for a part of the application.
  if (app.hasRequestDecorator(mark)) return
  if (app.hasRequestDecorator(property)) refuseTaken(property)
  const { get, set } = new SessionProperty(settings, rawOf).accessor
  app.decorateRequest(property, { getter: get, setter: set })
  app.decorateRequest(mark, { getter: () => true })
}

function runsOf(request: FastifyRequest): Runs {
  return request as unknown as Runs
}

function rawOf(request: object): object {
  return (request as FastifyRequest).raw
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
