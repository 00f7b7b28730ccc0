import { type NamedSession, runWithSession } from './current-session.ts'
import type { Emitter } from './upgrade-run.ts'

/** Where an emitter keeps what its listeners run with. */
const CONTEXT = Symbol('gsession.context')

interface EmitterWithSession extends Emitter {
  [CONTEXT]: { readonly emit: Emitter['emit']; session: NamedSession }
}

/**
 * Gives all listeners of a request or response their current session, whenever and however they were
 * added. Node emits most events from where the bytes come in or have left, which is outside of the
 * handler's context.
 */
export function emitWithSession(emitter: Emitter, session: NamedSession): void {
  const target = emitter as EmitterWithSession
  const context: EmitterWithSession[typeof CONTEXT] | undefined = target[CONTEXT]
  if (context === undefined) {
    target[CONTEXT] = { emit: emitter.emit, session }
    emitter.emit = emit
  } else context.session = session
}

/** The same function for all emitters, which engines keep fast. */
function emit(this: EmitterWithSession, ...event: [string | symbol, ...unknown[]]): boolean {
  const context = this[CONTEXT]
  return runWithSession(context.session, () => Reflect.apply(context.emit, this, event))
}
