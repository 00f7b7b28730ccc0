import type { IncomingMessage } from 'node:http'
import type { RegisteredData } from '../core/register.ts'
import type { Session } from '../core/session.ts'

/** A request that becomes a connection. A type only: Node makes these objects. */
export declare class SessionRequest<Data extends object = RegisteredData> extends IncomingMessage {
  /** The session as it was when the client connected. */
  session: Session<Data>
  /**
   * The same session, with the data as it is now. Nothing saves it for you: call `close`, or let
   * `await using` do that. Makes no I/O.
   *
   * @param property - which session, of several
   * @default the one of the first adapter
   */
  openSession(property?: string): Session<Data>
}
