import type { IncomingMessage } from 'node:http'
import type { Manager } from '../core/manager.ts'
import { refuseOption } from '../core/options.ts'
import type { Session } from '../core/session.ts'
import { type HttpSessionOptions, type HttpSettings, resolveHttpOptions } from './options.ts'
import { type OriginCheck, type Origins, resolveOrigins } from './origin.ts'
import { placedAt } from './placed-session.ts'
import { SessionProperty } from './session-property.ts'
import type { SessionRequest } from './session-request.ts'
import { UpgradeRun } from './upgrade-run.ts'

/** Who may connect. The rest are the options of your HTTP adapter, which must say the same here. */
export interface UpgradeOptions extends HttpSessionOptions {
  /**
   * The pages that may connect: a list of origins such as `'https://app.example'`, or a function.
   * `false`: every page of every site, in the name of whoever looks at it. Others get 403. Clients
   * that send no `Origin` are no browsers, and may always.
   *
   * @default the pages of the host that is asked
   */
  origins?: Origins
  /**
   * Whether a client without a session gets 401 in place of a connection.
   *
   * @default false
   */
  required?: boolean
}

/** What a client is answered that does not get a connection. */
export type Refusal = 401 | 403 | 500

/** What becomes of a request. */
export interface Outcome<Data extends object> {
  /** @param id - undefined when there is no session */
  admitted(run: UpgradeRun<Data>, id: string | undefined): void
  refused(status: Refusal): void
}

/** Gives requests their session, and decides which of them become connections. */
export class UpgradeGate<Data extends object> {
  readonly #manager: Manager<Data>
  readonly #settings: HttpSettings
  readonly #property: SessionProperty
  readonly #isAllowed: OriginCheck
  readonly #isRequired: boolean

  /**
   * @param alsoKnown - the names of the adapter's own options
   * @throws {@link SessionError} `ERR_OPTION` for a value that an option does not take
   */
  constructor(manager: Manager<Data>, options: UpgradeOptions, alsoKnown: readonly string[] = []) {
    const { origins, required = false } = options
    this.#manager = manager
    this.#settings = resolveHttpOptions(options, ['origins', 'required', ...alsoKnown])
    this.#property = new SessionProperty(this.#settings)
    this.#isAllowed = resolveOrigins(origins, this.#settings)
    if (typeof required !== 'boolean') refuseOption('required', 'true or false', required)
    this.#isRequired = required
  }

  /** Loads the session of a request that sent an id. Nothing is told of one whose client goes away. */
  open(request: IncomingMessage, outcome: Outcome<Data>): void {
    try {
      this.#property.claim(request, this.#manager)
    } catch (error) {
      this.#manager.failedInBackground(error)
      outcome.refused(500)
      return
    }
    const run = new UpgradeRun(this.#manager, this.#settings, request)
    const target = request as SessionRequest<Data>
    target.openSession ??= (property = this.#settings.property) => openAt<Data>(request, property)
    const refusal = this.#refusalOf(run, request)
    if (refusal !== undefined) {
      outcome.refused(refusal)
      return
    }
    const { socket } = request
    const guard = () => socket.destroy()
    // Node has let go of the socket of an upgrade: an error that nobody hears would end the process.
    socket.on('error', guard)
    void this.#decide(run, outcome).then(decision => {
      socket.off('error', guard)
      // Out of the promise: what the application throws then is not a rejection of ours.
      if (!socket.destroyed) queueMicrotask(decision)
    })
  }

  /** An `origins` of the application's that throws must not end the process. */
  #refusalOf(run: UpgradeRun<Data>, request: IncomingMessage): Refusal | undefined {
    try {
      return this.#isAllowed(run, request) ? undefined : 403
    } catch (error) {
      this.#manager.failedInBackground(error)
      return 500
    }
  }

  async #decide(run: UpgradeRun<Data>, outcome: Outcome<Data>): Promise<() => void> {
    let id: string | undefined
    try {
      id = await run.find()
    } catch (error) {
      this.#manager.failedInBackground(error)
      return () => outcome.refused(500)
    }
    if (id === undefined && this.#isRequired) return () => outcome.refused(401)
    return () => outcome.admitted(run, id)
  }
}

function openAt<Data extends object>(request: IncomingMessage, property: string): Session<Data> {
  const placed = placedAt(request, property) as UpgradeRun<Data> | undefined
  if (placed !== undefined) return placed.openSession()
  return refuseOption('property', 'the one of an adapter of this connection', property)
}
