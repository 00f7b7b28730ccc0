import { SessionError } from '../core/errors.ts'
import type { NamedSession } from './current-session.ts'
import type { HttpSettings } from './options.ts'

/** A session that an adapter gave to a request, and what it was made of. */
export interface PlacedSession extends NamedSession {
  readonly manager: object
  readonly settings: HttpSettings
  before: PlacedSession | undefined
}

/** Where a request keeps its sessions, whichever adapters they are of: the last one, which knows those before. */
const PLACED = Symbol('gsession.placed')

interface Holder {
  [PLACED]?: PlacedSession | undefined
}

/** Gives a request one more session. */
export function place(request: object, placed: PlacedSession): void {
  const holder: Holder = request
  placed.before = holder[PLACED]
  holder[PLACED] = placed
}

/** Takes a session from a request that is answered, since somebody may send the same object again. */
export function unplace(request: object, placed: PlacedSession): void {
  const holder: Holder = request
  let last = holder[PLACED]
  while (last !== undefined && last !== placed) last = last.before
  if (last === placed) holder[PLACED] = placed.before
}

/** Lets what stands for a request know the same sessions. Answers whether there are any. */
export function copyPlaced(from: object, to: object): boolean {
  const placed = (from as Holder)[PLACED]
  if (placed === undefined) return false
  const holder: Holder = to
  holder[PLACED] = placed
  return true
}

/** The session that a request was given last. */
export function lastPlaced(request: object): PlacedSession | undefined {
  return (request as Holder)[PLACED]
}

/** The session that a request has under this name. */
export function placedAt(request: object | undefined, property: string): PlacedSession | undefined {
  let placed = (request as Holder | undefined)?.[PLACED]
  while (placed !== undefined && placed.settings.property !== property) placed = placed.before
  return placed
}

/**
 * The session that an adapter shares with one that came before it, since both have the same manager
 * and the same options. Adapters that would write over each other's data or cookie are refused.
 *
 * @throws {@link SessionError} `ERR_OPTION` on the first request that comes to both
 */
export function findShared(
  request: object,
  manager: object,
  settings: HttpSettings,
): PlacedSession | undefined {
  const last = (request as Holder)[PLACED]
  // There is one adapter, nearly always.
  if (last === undefined) return undefined
  let shared: PlacedSession | undefined
  for (let other: PlacedSession | undefined = last; other !== undefined; other = other.before) {
    if (other.manager === manager && areEqual(other.settings, settings)) shared = other
    else refuseClash(other.settings, settings)
  }
  if (shared !== undefined && placedAt(request, settings.property) === undefined) {
    place(request, { manager, settings, session: shared.session, before: undefined })
  }
  return shared
}

/** What two adapters of one session may have apart. */
const OF_EACH_ADAPTER: ReadonlySet<string> = new Set([
  'property',
  'asyncContext',
  'cookieTimes',
  'moveTimes',
  'warned',
])

function areEqual(one: HttpSettings, other: HttpSettings): boolean {
  if (one === other) return true
  const names = Object.keys(one) as (keyof HttpSettings)[]
  return names.every(name => OF_EACH_ADAPTER.has(name) || isSame(one[name], other[name]))
}

function isSame(one: unknown, other: unknown): boolean {
  if (typeof one === 'function' || typeof other === 'function') return one === other
  return JSON.stringify(one) === JSON.stringify(other)
}

function refuseClash(placed: HttpSettings, settings: HttpSettings): void {
  const { property } = settings
  if (placed.property === property) {
    const reason = `this request has a session under \`${property}\` already, of another manager or with other options`
    refuse('property', `${reason}: give one of the two another \`property\` and \`name\``)
  }
  const two = `the sessions \`${placed.property}\` and \`${property}\` of this request`
  if (sharesCookie(placed, settings)) {
    refuse('name', `${two} would have one cookie: give one of them another \`name\``)
  }
  if (settings.header !== undefined && settings.header === placed.header) {
    refuse('header', `${two} would have one header: give one of them another \`header\``)
  }
}

function sharesCookie({ cookie: one }: HttpSettings, { cookie: other }: HttpSettings): boolean {
  if (one === undefined || other === undefined) return false
  return one.onSecure.name === other.onSecure.name || one.onPlain.name === other.onPlain.name
}

/** Refuses a name under which something else stands. */
export function refuseTaken(property: string): never {
  const reason = `\`${property}\` is taken by something else that is no session of this package`
  refuse('property', `${reason}: give the session another \`property\``)
}

function refuse(option: string, reason: string): never {
  throw new SessionError('ERR_OPTION', `Option \`${option}\`: ${reason}`)
}
