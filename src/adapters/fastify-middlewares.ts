import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Manager } from '../core/manager.ts'
import {
  type HttpSettings,
  NodeRun,
  type PlacedSession,
  runShared,
  SessionProperty,
} from '../http/index.ts'

type Next = (error?: unknown) => void
type Middleware = (request: IncomingMessage, response: ServerResponse, next: Next) => void

/** What `@fastify/middie` and `@fastify/express` add to an application. */
interface TakesMiddlewares {
  use(middleware: Middleware): unknown
}

type SaveFailed = (reply: FastifyReply, error: unknown) => void

/**
 * Gives middlewares in the form of Express their session, which are handed the request of Node. They
 * may run before the plugin's own hook: Nest registers what runs them before the application can
 * register anything.
 */
export class FastifyMiddlewares {
  readonly #manager: Manager<object>
  readonly #settings: HttpSettings
  readonly #property: SessionProperty
  readonly #saveFailed: SaveFailed
  readonly #runs = new WeakMap<IncomingMessage, NodeRun<object>>()
  readonly #replies = new WeakMap<IncomingMessage, FastifyReply>()

  constructor(manager: Manager<object>, settings: HttpSettings, saveFailed: SaveFailed) {
    this.#manager = manager
    this.#settings = settings
    this.#property = new SessionProperty(settings)
    this.#saveFailed = saveFailed
  }

  /** Comes before all middlewares that are added after the plugin. */
  addTo(app: object): void {
    if (!takesMiddlewares(app)) return
    app.use((request, response, next) => this.#open(request, response, next))
  }

  /** The run of a request that a middleware has seen already, whose failures go to this reply from now on. */
  runOf({ raw }: FastifyRequest, reply: FastifyReply): NodeRun<object> | undefined {
    const run = this.#runs.get(raw)
    if (run !== undefined) this.#replies.set(raw, reply)
    return run
  }

  /** Lets the middlewares that run after the plugin's hook find the session of the request. */
  showTo({ raw, server }: FastifyRequest, reply: FastifyReply): void {
    if (!takesMiddlewares(server)) return
    this.#replies.set(raw, reply)
    this.#property.claim(raw, this.#manager)
  }

  #open(request: IncomingMessage, response: ServerResponse, next: Next): void {
    let run: PlacedSession
    try {
      const shared = this.#property.claim(request, this.#manager)
      run = shared ?? this.#newRun(request, response, next)
    } catch (error) {
      next(error)
      return
    }
    runShared(run, this.#settings, next)
  }

  #newRun(request: IncomingMessage, response: ServerResponse, next: Next): NodeRun<object> {
    const run = new NodeRun(this.#manager, this.#settings, request, response, error => {
      const reply = this.#replies.get(request)
      if (reply === undefined) next(error)
      else this.#saveFailed(reply, error)
    })
    this.#runs.set(request, run)
    return run
  }
}

function takesMiddlewares(app: object): app is TakesMiddlewares {
  return 'use' in app && typeof app.use === 'function'
}
