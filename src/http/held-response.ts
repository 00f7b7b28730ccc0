import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import { ANSWER_HEADERS } from './answer-headers.ts'
import { drainListenersElsewhere } from './drain-listeners.ts'
import type { Gate } from './gate.ts'
import { headersSentError } from './headers-sent-error.ts'
import { saveAll } from './save-all.ts'
import {
  guardHead,
  HELD,
  type HeadMethods,
  type HeldMethods,
  type Methods,
  ownFlag,
  pretendToHaveSent,
  standIns,
  standInsAfterFailure,
} from './stand-ins.ts'
import { TwoGates } from './two-gates.ts'
import { absorbHeaders, readHeadArguments } from './write-head-arguments.ts'

/** A response of node:http, node:https or the compatibility side of node:http2. */
export type NodeResponse = ServerResponse<IncomingMessage> | Http2ServerResponse

/** What the application called while the response was held. */
interface HeldCall {
  readonly name: keyof Methods
  readonly args: unknown[]
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
  #gate: Gate
  readonly #methods: Methods
  readonly #drainListeners: readonly (() => void)[]
  #state: 'open' | 'held' | 'leaving' | 'released' = 'open'
  #hasEnded = false
  #hasFailed = false
  #savesLate = false
  #isDelayed = false
  #status = 200
  #headMethods: HeadMethods | undefined
  /** What was called while the response was held, in order. */
  #heldCalls: HeldCall[] = NO_CALLS

  /** The hold of a response: the one that it has, with one more gate, or a new one. */
  static of(response: NodeResponse, gate: Gate): HeldResponse {
    const held = (response as unknown as Partial<HeldMethods>)[HELD]
    if (held === undefined) return new HeldResponse(response, gate)
    held.#gate = new TwoGates(held.#gate, gate)
    return held
  }

  private constructor(response: NodeResponse, gate: Gate) {
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
    this.#drainListeners = drainListenersElsewhere(response)
  }

  /** Whether a save has failed, and an answer was dropped for it. */
  get hasFailed(): boolean {
    return this.#hasFailed
  }

  get headHasLeft(): boolean {
    return this.#state === 'released' || (this.#state !== 'held' && this.#headersSent)
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** Whether the application has reason to believe that the head has left. */
  get seemsToHaveSentHead(): boolean {
    return this.#state === 'held' || this.#isDelayed
  }

  /** Whether the application has ended the response, and waits for that without knowing. */
  get seemsToHaveEnded(): boolean {
    return this.#isDelayed || (this.#hasEnded && this.#isWaiting())
  }

  /** Whether a save is under way that the response waits for. */
  get isSaving(): boolean {
    return this.#isDelayed || this.#isWaiting()
  }

  /** Lets the response seem to be sent, since it will be once this work is done. */
  async delay(work: () => Promise<void>): Promise<void> {
    this.#isDelayed = true
    pretendToHaveSent(this.#response)
    await work().finally(() => {
      this.#isDelayed = false
    })
  }

  writeHead(status: number, rest: unknown[]): unknown {
    if (this.#state === 'released') return this.#call('writeHead', [status, ...rest])
    if (this.#state === 'held') throw headersSentError(this.#response, 'write')
    if (!this.#gate.isUsed) return this.#sendHead([status, ...rest])
    const { message, headers } = readHeadArguments(rest)
    const args: unknown[] = message === undefined ? [status] : [status, message]
    const statusBefore = this.#response.statusCode
    // The status may decide whether the session is saved.
    this.#response.statusCode = status
    const mustHold = this.#state === 'open' && this.#gate.needsSave
    if (!mustHold && this.#takesList()) return this.#writeList(args, headers, statusBefore)
    absorbHeaders(this.#response, headers)
    if (mustHold) {
      this.#hold()
      this.#heldCalls.push({ name: 'writeHead', args })
      return this.#response
    }
    this.#state = 'released'
    this.#gate.writeHead()
    return this.#call('writeHead', args)
  }

  /**
   * Node writes a list as it is, at a fraction of what it takes to set headers one by one. If it refuses
   * the head, nothing of it stays: the head in its place tells the client the same.
   */
  #writeList(args: unknown[], headers: unknown, statusCode: number): unknown {
    const response = this.#response
    const { statusMessage } = response
    try {
      return this.#sendHead([...args, this.#gate.listHead(headers)])
    } catch (error) {
      Object.assign(response, { statusCode, statusMessage })
      for (const name of response.getHeaderNames()) response.removeHeader(name)
      throw error
    }
  }

  /** A head that Node refuses has not left. */
  #sendHead(args: unknown[]): unknown {
    this.#state = 'released'
    try {
      return this.#call('writeHead', args)
    } catch (error) {
      if (!this.#headersSent) this.#state = 'open'
      throw error
    }
  }

  /** Whoever has a `writeHead` of its own may take no lists: HTTP/2, a subclass, another middleware. */
  #takesList(): boolean {
    const response = this.#response
    if (response.constructor.name !== 'ServerResponse') return false
    const isOfItsClass = this.#methods.writeHead === Object.getPrototypeOf(response).writeHead
    return isOfItsClass && response.getHeaderNames().length === 0
  }

  /** Changes the head, unless it has left as far as the application can know. */
  changeHead(name: keyof HeadMethods, args: unknown[]): unknown {
    if (this.#state === 'held') throw headersSentError(this.#response, VERBS[name])
    const method = this.#headMethods?.[name]
    return method && Reflect.apply(method, this.#response, args)
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
    return this.#state === 'open' && !this.#headersSent && this.#gate.needsSave
  }

  get #headersSent(): boolean {
    return this.#isDelayed ? ownFlag(this.#response, 'headersSent') : this.#response.headersSent
  }

  #hold(): void {
    this.#state = 'held'
    this.#status = this.#response.statusCode
    this.#heldCalls = []
    pretendToHaveSent(this.#response)
    this.#headMethods ??= guardHead(this.#response)
    void this.#saveAndRelease()
  }

  async #saveAndRelease(): Promise<void> {
    try {
      await saveAll(this.#gate)
      this.#release()
    } catch (error) {
      this.#drop()
      this.#gate.failed(error)
    }
  }

  #release(): void {
    this.#state = 'leaving'
    this.#response.statusCode = this.#status
    this.#gate.writeHead()
    this.#state = 'released'
    let last: unknown
    for (const { name, args } of this.#heldCalls) last = this.#call(name, args)
    this.#heldCalls = NO_CALLS
    // Whoever was told to wait may go on, unless the connection itself asks for more patience.
    if (this.#hasEnded || last === false) return
    this.#response.emit('drain')
    for (const listener of this.#drainListeners) listener.call(this.#response)
  }

  #drop(): void {
    this.#heldCalls = NO_CALLS
    this.#state = 'open'
    this.#hasEnded = false
    this.#hasFailed = true
    Object.assign(this.#response, standInsAfterFailure)
    if (this.#response.headersSent) return
    for (const name of ANSWER_HEADERS) this.#response.removeHeader(name)
  }

  /**
   * Whether the failed save was answered in place of the application, which may go on and write what
   * nobody must hear any more.
   */
  #isAnsweredFor(): boolean {
    return this.#hasFailed && !this.#isDelayed && this.#response.writableEnded
  }

  #isWaiting(): boolean {
    return this.#state === 'held' || this.#savesLate
  }

  async #saveLate(args: unknown[]): Promise<void> {
    this.#savesLate = true
    this.#heldCalls = [{ name: 'end', args }]
    pretendToHaveSent(this.#response)
    try {
      await saveAll(this.#gate)
      this.#savesLate = false
      for (const { name, args } of this.#heldCalls) this.#call(name, args)
      this.#heldCalls = NO_CALLS
    } catch (error) {
      this.#savesLate = false
      this.#heldCalls = NO_CALLS
      this.#gate.failed(error)
    }
  }

  /** Calls the response's own method. */
  #call(name: keyof Methods, args: unknown[]): unknown {
    return Reflect.apply(this.#methods[name], this.#response, args)
  }
}

const NO_CALLS: HeldCall[] = []
const VERBS = { setHeader: 'set', appendHeader: 'append', removeHeader: 'remove' } as const
