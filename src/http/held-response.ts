import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import { absorbHeaders } from './write-head-arguments.ts'

/** A response of node:http, node:https or the compatibility side of node:http2. */
export type NodeResponse = ServerResponse<IncomingMessage> | Http2ServerResponse

/** What decides whether a response must wait, and for what. */
export interface Gate {
  /** Whether there is anything to do at all. */
  readonly isUsed: boolean
  readonly needsSave: boolean
  save(): Promise<void>
  /** Everything is saved: the last moment to set headers. */
  writeHead(): void
  /** The same for a head without any header so far: answers those to add, name by value. */
  listHead(): string[]
  /**
   * The save failed. If the head has not left, the held answer is dropped and another may be given;
   * else the response can only be cut off.
   */
  failed(error: unknown): void
}

/** The methods through which a head can leave, as both kinds of response have them. */
interface Methods {
  writeHead(status: number, ...rest: unknown[]): unknown
  write(...args: unknown[]): boolean
  end(...args: unknown[]): unknown
  flushHeaders(): void
}

/** What the application called while the response was held. */
interface HeldCall {
  readonly name: keyof Methods
  readonly args: unknown[]
}

/** Where a response keeps what holds it, for the methods that stand in for its own. */
const HELD = Symbol('gsession.held')

interface HeldMethods extends Methods {
  [HELD]: HeldResponse
}

/** The same four functions for every response: an untouched session shall cost next to nothing. */
const standIns: Methods = {
  writeHead(this: HeldMethods, status, ...rest) {
    return this[HELD].writeHead(status, rest)
  },
  write(this: HeldMethods, ...args) {
    return this[HELD].write(args)
  },
  end(this: HeldMethods, ...args) {
    return this[HELD].end(args)
  },
  flushHeaders(this: HeldMethods) {
    this[HELD].flushHeaders()
  },
}

/**
 * Keeps the head of a response, and all that follows it, until the session is saved. A response for
 * which there is nothing to save is not held back at all.
 *
 * It must be set up before the handler runs: `response.end(await ...)` takes hold of `end` first and
 * touches the session later.
 */
export class HeldResponse {
  readonly #response: NodeResponse
  readonly #gate: Gate
  readonly #methods: Methods
  #state: 'open' | 'held' | 'leaving' | 'released' = 'open'
  #hasEnded = false
  #hasFailed = false
  #savesLate = false
  #status = 200
  /** What was called while the response was held, in order. */
  #heldCalls: HeldCall[] = NO_CALLS

  constructor(response: NodeResponse, gate: Gate) {
    this.#response = response
    this.#gate = gate
    // Both kinds of response have these methods, but with overloads that do not fit each other.
    const target = response as unknown as HeldMethods
    const { writeHead, write, end, flushHeaders } = target
    this.#methods = { writeHead, write, end, flushHeaders }
    target[HELD] = this
    target.writeHead = standIns.writeHead
    target.write = standIns.write
    target.end = standIns.end
    target.flushHeaders = standIns.flushHeaders
  }

  get headHasLeft(): boolean {
    return this.#state === 'released' || (this.#state !== 'held' && this.#response.headersSent)
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** Whether the application has reason to believe that the head has left. */
  get seemsToHaveSentHead(): boolean {
    return this.#state === 'held'
  }

  /** Whether the application has ended the response, and waits for that without knowing. */
  get seemsToHaveEnded(): boolean {
    return this.#hasEnded && (this.#state === 'held' || this.#savesLate)
  }

  writeHead(status: number, rest: unknown[]): unknown {
    if (this.#state === 'released') return this.#call('writeHead', [status, ...rest])
    if (this.#state === 'held') throw this.#headersSent()
    if (!this.#gate.isUsed) {
      this.#state = 'released'
      return this.#call('writeHead', [status, ...rest])
    }
    const message = absorbHeaders(this.#response, rest)
    const args: unknown[] = message === undefined ? [status] : [status, message]
    // The status may decide whether the session is saved.
    this.#response.statusCode = status
    if (this.#state === 'open' && this.#gate.needsSave) {
      this.#hold()
      this.#heldCalls.push({ name: 'writeHead', args })
      return this.#response
    }
    this.#state = 'released'
    // Node writes a list as it is, at a fraction of what it takes to set headers one by one.
    if (this.#takesList()) args.push(this.#gate.listHead())
    else this.#gate.writeHead()
    return this.#call('writeHead', args)
  }

  #takesList(): boolean {
    return !('stream' in this.#response) && this.#response.getHeaderNames().length === 0
  }

  write(args: unknown[]): boolean {
    if (this.#isAnsweredFor()) return false
    if (this.#mustHold()) this.#hold()
    if (!this.#isWaiting()) return this.#pass('write', args) === true
    this.#heldCalls.push({ name: 'write', args })
    return false
  }

  end(args: unknown[]): unknown {
    if (this.#isAnsweredFor()) return this.#response
    if (this.#mustHold()) this.#hold()
    if (this.#isWaiting()) this.#heldCalls.push({ name: 'end', args })
    else if (this.#state === 'released' && this.#gate.needsSave) void this.#saveLate(args)
    else {
      // Not before: ending may still write the head, whose stage is then that of an open response.
      const result = this.#pass('end', args)
      this.#hasEnded = true
      return result
    }
    this.#hasEnded = true
    return this.#response
  }

  flushHeaders(): void {
    if (this.#mustHold()) this.#hold()
    if (this.#state === 'held') this.#heldCalls.push({ name: 'flushHeaders', args: [] })
    else this.#pass('flushHeaders', [])
  }

  /** Lets a call through that may write the head: whether it must wait has been asked already. */
  #pass(name: keyof Methods, args: unknown[]): unknown {
    if (this.#state === 'open') this.#state = 'leaving'
    return this.#call(name, args)
  }

  #mustHold(): boolean {
    return this.#state === 'open' && !this.#response.headersSent && this.#gate.needsSave
  }

  #hold(): void {
    this.#state = 'held'
    this.#status = this.#response.statusCode
    this.#heldCalls = []
    pretendToHaveSent(this.#response)
    void this.#saveAndRelease()
  }

  async #saveAndRelease(): Promise<void> {
    try {
      // What is changed while a save is under way needs another one.
      do await this.#gate.save()
      while (this.#gate.needsSave)
      this.#release()
    } catch (error) {
      this.#drop()
      this.#gate.failed(error)
    }
  }

  #release(): void {
    this.#response.statusCode = this.#status
    this.#gate.writeHead()
    this.#state = 'released'
    let last: unknown
    for (const { name, args } of this.#heldCalls) last = this.#call(name, args)
    this.#heldCalls = NO_CALLS
    // Whoever was told to wait may go on, unless the connection itself asks for more patience.
    if (!this.#hasEnded && last !== false) this.#response.emit('drain')
  }

  #drop(): void {
    this.#heldCalls = NO_CALLS
    this.#state = 'open'
    this.#hasEnded = false
    this.#hasFailed = true
  }

  /**
   * Whether the failed save was answered in place of the application, which may go on and write what
   * nobody must hear any more.
   */
  #isAnsweredFor(): boolean {
    return this.#hasFailed && this.#response.writableEnded
  }

  #isWaiting(): boolean {
    return this.#state === 'held' || this.#savesLate
  }

  async #saveLate(args: unknown[]): Promise<void> {
    this.#savesLate = true
    this.#heldCalls = [{ name: 'end', args }]
    pretendToHaveSent(this.#response)
    try {
      await this.#gate.save()
      this.#savesLate = false
      for (const { name, args } of this.#heldCalls) this.#call(name, args)
      this.#heldCalls = NO_CALLS
    } catch (error) {
      this.#savesLate = false
      this.#heldCalls = NO_CALLS
      this.#gate.failed(error)
    }
  }

  /** What the response itself throws when a second head is written. */
  #headersSent(): Error {
    const isHttp2 = 'stream' in this.#response
    const error = new Error(
      isHttp2
        ? 'Response has already been initiated.'
        : 'Cannot write headers after they are sent to the client',
    )
    return Object.assign(error, {
      code: isHttp2 ? 'ERR_HTTP2_HEADERS_SENT' : 'ERR_HTTP_HEADERS_SENT',
    })
  }

  /** Calls the response's own method. */
  #call(name: keyof Methods, args: unknown[]): unknown {
    return Reflect.apply(this.#methods[name], this.#response, args)
  }
}

const NO_CALLS: HeldCall[] = []

/**
 * What lets the application see what it has done, though it is held back: a second head must fail as
 * it does without us. The same two getters for every response, which engines keep fast.
 */
const PRETENCE: PropertyDescriptorMap = {
  headersSent: {
    configurable: true,
    get(this: HeldMethods) {
      return this[HELD].seemsToHaveSentHead || ownFlag(this, 'headersSent')
    },
  },
  writableEnded: {
    configurable: true,
    get(this: HeldMethods) {
      return this[HELD].seemsToHaveEnded || ownFlag(this, 'writableEnded')
    },
  },
}

function pretendToHaveSent(response: NodeResponse): void {
  Object.defineProperties(response, PRETENCE)
}

/** What the response itself says. */
function ownFlag(response: object, name: 'headersSent' | 'writableEnded'): boolean {
  return Reflect.get(Object.getPrototypeOf(response), name, response)
}
