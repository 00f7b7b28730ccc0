import { SessionError } from '../core/errors.ts'
import { runWithSession } from './current-session.ts'
import type { HttpSettings } from './options.ts'
import { findShared, type PlacedSession, placedAt, refuseTaken } from './placed-session.ts'

/** Runs the application with a session that an adapter before this one has made, and saves. */
export function runShared<Result>(
  shared: PlacedSession,
  settings: HttpSettings,
  application: () => Result,
): Result {
  return settings.asyncContext ? runWithSession(shared, application) : application()
}

/** The name in a type, unless all that is known of it is that it is some text. */
export type PropertyName<Property extends string> = string extends Property ? 'session' : Property

type RequestOf = (holder: object) => object

interface Accessor extends PropertyDescriptor {
  get(): unknown
  set(value: unknown): void
}

/** The property under which handlers find their session. */
export class SessionProperty {
  readonly accessor: Accessor
  readonly #settings: HttpSettings
  readonly #requestOf: RequestOf

  /** @param requestOf - the request behind what has the property; one function for all */
  constructor(settings: HttpSettings, requestOf: RequestOf = itself) {
    this.#settings = settings
    this.#requestOf = requestOf
    this.accessor = accessorOf(settings.property, requestOf)
  }

  /**
   * Puts the property where handlers look for it.
   *
   * @returns the session's run, when an adapter before this one has made it
   * @throws {@link SessionError} `ERR_OPTION` when the two do not fit, or something else stands there
   */
  claim(holder: object, manager: object): PlacedSession | undefined {
    const { property } = this.#settings
    const shared = findShared(this.#requestOf(holder), manager, this.#settings)
    if (!(property in holder)) Object.defineProperty(holder, property, this.accessor)
    else if (shared === undefined || Reflect.get(holder, property) !== shared.session) {
      refuseTaken(property)
    }
    return shared
  }
}

const ACCESSORS = new Map<RequestOf, Map<string, Accessor>>()

/** The same two functions for all requests: engines take objects with others for another kind. */
function accessorOf(property: string, requestOf: RequestOf): Accessor {
  const known = ACCESSORS.get(requestOf) ?? new Map<string, Accessor>()
  ACCESSORS.set(requestOf, known)
  const accessor = known.get(property) ?? newAccessor(property, requestOf)
  known.set(property, accessor)
  return accessor
}

function newAccessor(property: string, requestOf: RequestOf): Accessor {
  return {
    enumerable: true,
    get(this: object): unknown {
      return placedAt(requestOf(this), property)?.session
    },
    set(this: object, value: unknown): void {
      const placed = placedAt(requestOf(this), property)
      if (placed !== undefined && value !== placed.session) refuseAssignment(property)
    },
  }
}

/** What somebody assigns would neither be stored nor log anybody out, and nobody would hear of it. */
export function refuseAssignment(property: string): never {
  const write = `await ${property}.removeAll() to log out, await ${property}.set(key, value) or ${property}.setMap(values) to store`
  throw new SessionError('ERR_VALUE', `\`${property}\` cannot be assigned: write ${write}`)
}

function itself(holder: object): object {
  return holder
}
