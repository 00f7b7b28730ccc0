import {
  Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerMethodDefinition,
  status,
} from '@grpc/grpc-js'
import { hasCode, SessionError } from '../core/errors.ts'
import type { Manager } from '../core/manager.ts'
import type { RegisteredData } from '../core/register.ts'
import type { Session } from '../core/session.ts'
import {
  type HttpExchange,
  HttpLifecycle,
  type LifecycleHooks,
  runWithSession,
} from '../http/index.ts'
import { CallWatch } from './call-watch.ts'
import type { GrpcSettings } from './grpc-options.ts'
import { type CallStatus, NO_SESSION, SESSION_ENDED, statusOfFailure } from './grpc-status.ts'

type Method = ServerMethodDefinition<unknown, unknown>
type Listener = Parameters<ServerInterceptingCallInterface['start']>[0]
type Status = Parameters<ServerInterceptingCallInterface['sendStatus']>[0]

/** The request's metadata is all that an interceptor and a handler both see of a call. */
const sessions = new WeakMap<Metadata, Session<never>>()

/**
 * The session of a running call, in its handler.
 *
 * @param call - what the handler was given, of whatever kind of call
 * @throws {@link SessionError} `ERR_CONTEXT` when the server has no interceptor made by `session`, or
 * one after it handed on another `Metadata` object
 */
export function sessionOf(call: { readonly metadata: Metadata }): Session<RegisteredData> {
  const session = sessions.get(call.metadata)
  if (session !== undefined) return session as unknown as Session<RegisteredData>
  const expected = 'give `session(manager)` to the server as the last of its `interceptors`'
  throw new SessionError('ERR_CONTEXT', `This call has no session: ${expected}`)
}

/**
 * One call on its way through a server, with its session. The initial metadata is what the head is in
 * HTTP. What the handler sends is held while the session is saved, and leaves in its order.
 */
export class SessionCall<Data extends object>
  extends ServerInterceptingCall
  implements HttpExchange, LifecycleHooks
{
  readonly #manager: Manager<Data>
  readonly #settings: GrpcSettings
  readonly #next: ServerInterceptingCallInterface
  readonly #answersOnce: boolean
  readonly #lifecycle: HttpLifecycle<Data>
  readonly #watch: CallWatch<Data> | undefined
  #listener: Listener | undefined
  #received: Metadata | undefined
  /** What waits for a save; undefined when nothing does. */
  #held: (() => void)[] | undefined
  /** The id to tell, while the initial metadata is made. */
  #toldId: string | undefined
  #headHasLeft = false
  #hasEnded = false
  /** The status has left. */
  #isOver = false
  /** The handler hears of nothing any more. */
  #isCancelled = false

  constructor(
    manager: Manager<Data>,
    settings: GrpcSettings,
    method: Method,
    next: ServerInterceptingCallInterface,
  ) {
    super(next)
    this.#manager = manager
    this.#settings = settings
    this.#next = next
    this.#answersOnce = !method.responseStream
    this.#lifecycle = new CallLifecycle(manager, settings, this, this, () => this.#watch?.isUsed())
    const isStream = method.requestStream || method.responseStream
    this.#watch = isStream
      ? new CallWatch(manager, this.#lifecycle.session, () => this.#endWith(SESSION_ENDED))
      : undefined
  }

  override start(listener: Listener): void {
    this.#listener = listener
    this.#next.start({
      onReceiveMetadata: metadata => this.#receiveMetadata(metadata, listener),
      onReceiveMessage: message => this.#deliver(() => listener.onReceiveMessage(message)),
      onReceiveHalfClose: () => this.#deliver(() => listener.onReceiveHalfClose()),
      onCancel: () => this.#cancel(),
    })
  }

  override sendMetadata(metadata: Metadata): void {
    this.#send(() => this.#sendHead(metadata))
  }

  override sendMessage(message: unknown, callback: () => void): void {
    if (this.#answersOnce) this.#hasEnded = true
    this.#send(() => {
      this.#sendHead(undefined)
      this.#next.sendMessage(message, callback)
    })
  }

  override sendStatus(answer: Status): void {
    this.#hasEnded = true
    if (answer.code !== status.OK) this.#lifecycle.handlerFailed()
    this.#send(() => this.#sendStatus(answer))
  }

  /** Of the failure of a handler the lifecycle is told as such. */
  get status(): number {
    return 200
  }

  get headHasLeft(): boolean {
    return this.#headHasLeft
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  changed(): void {
    this.#watch?.isUsed()
    this.#saveUnanswered()
  }

  /** Only cookies depend on it. */
  get isEncrypted(): boolean {
    return false
  }

  /** Only cookies depend on it. */
  get request(): undefined {
    return undefined
  }

  requestHeader(name: string): string | undefined {
    return this.#received?.get(name)[0]?.toString()
  }

  responseHeader(): undefined {}

  responseHeaderNames(): readonly string[] {
    return []
  }

  /** Takes the id; gRPC has no caches that would need to hear of more. */
  setHeader(name: string, value: string): void {
    if (name === this.#settings.name) this.#toldId = value
  }

  /** Only cookies need it. */
  appendHeader(): void {}

  #receiveMetadata(metadata: Metadata, listener: Listener): void {
    this.#received = metadata
    sessions.set(metadata, this.#lifecycle.session as unknown as Session<never>)
    const pass = (): void => this.#deliver(() => listener.onReceiveMetadata(metadata))
    if (this.#settings.required) void this.#passIfKnown(pass)
    else pass()
  }

  async #passIfKnown(pass: () => void): Promise<void> {
    try {
      this.#lifecycle.reading()
      await this.#lifecycle.session.stored.read(undefined)
    } catch (error) {
      this.#fail(error)
      return
    }
    if (this.#lifecycle.session.stored.storedId === undefined) this.#endWith(NO_SESSION)
    else pass()
  }

  #deliver(work: () => void): void {
    if (!this.#isCancelled) this.#run(work)
  }

  /** Runs a part of the handler. */
  #run(work: () => void): void {
    const { session } = this.#lifecycle
    const settings = this.#settings
    if (settings.asyncContext) runWithSession({ session, settings, before: undefined }, work)
    else work()
  }

  /** Sends something, once what was changed before is saved, and after what was sent before. */
  #send(leave: () => void): void {
    if (this.#held !== undefined) this.#held.push(leave)
    else if (this.#lifecycle.needsSave) void this.#hold([leave])
    else this.#leave(leave)
  }

  /** Nothing follows the status, which may have left in place of the handler's. */
  #leave(leave: () => void): void {
    if (!this.#isOver) leave()
  }

  async #hold(held: (() => void)[]): Promise<void> {
    this.#held = held
    try {
      for (let leave = held[0]; leave !== undefined; leave = held[0]) {
        await this.#lifecycle.save()
        held.shift()
        this.#leave(leave)
      }
    } catch (error) {
      this.#fail(error)
    }
    this.#held = undefined
  }

  /** Sends the initial metadata with the id that the client is to know, if there is any of both. */
  #sendHead(metadata: Metadata | undefined): void {
    if (this.#headHasLeft) return
    const id = this.#idToTell()
    this.#headHasLeft = true
    if (id === undefined) {
      if (metadata !== undefined) this.#next.sendMetadata(metadata)
      return
    }
    // The handler may give the same object to each call, but an id is for one client.
    const told = metadata?.clone() ?? new Metadata()
    told.set(this.#settings.name, id)
    this.#next.sendMetadata(told)
  }

  /** A removed session is told as an empty id. */
  #idToTell(): string | undefined {
    this.#lifecycle.writeHead()
    if (this.#toldId !== undefined) return this.#toldId
    const wasSent = this.requestHeader(this.#settings.name) !== undefined
    return wasSent && this.#lifecycle.session.stored.wasRemoved ? '' : undefined
  }

  #sendStatus(answer: Status): void {
    this.#sendHead(undefined)
    this.#isOver = true
    this.#watch?.stop()
    this.#next.sendStatus(answer)
  }

  /** The session could not be saved, or not be read for `required`. */
  #fail(error: unknown): void {
    const isHidden = hasCode(error, 'ERR_GONE') && !this.#isCancelled
    if (!isHidden) this.#manager.failedInBackground(error)
    this.#endWith(statusOfFailure(error))
  }

  /** Ends the call in place of the handler, which hears of it as of any cancelled call. */
  #endWith(answer: CallStatus): void {
    this.#hasEnded = true
    this.#lifecycle.abandon()
    this.#sendStatus({ ...answer, metadata: null })
    this.#cancel()
  }

  /** The client has gone, the deadline has passed, or the call is over. */
  #cancel(): void {
    if (this.#isCancelled) return
    this.#isCancelled = true
    this.#watch?.stop()
    this.#run(() => this.#listener?.onCancel())
    this.#saveUnanswered()
  }

  /** A client that goes away does not take with it what was promised to be saved. */
  #saveUnanswered(): void {
    const isAnswered = this.#isCancelled || this.#isOver
    if (isAnswered && this.#held === undefined) this.#lifecycle.saveSoon()
  }
}

/** Also tells that the session is read. */
class CallLifecycle<Data extends object> extends HttpLifecycle<Data> {
  readonly #isRead: () => void

  constructor(
    manager: Manager<Data>,
    settings: GrpcSettings,
    exchange: HttpExchange,
    hooks: LifecycleHooks,
    isRead: () => void,
  ) {
    super(manager, settings, exchange, hooks)
    this.#isRead = isRead
  }

  override reading(): void {
    super.reading()
    this.#isRead()
  }
}
