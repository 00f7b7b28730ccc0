/** The door through which adapters come in. */
export { ANSWER_HEADERS } from './answer-headers.ts'
export type { CookieOptions } from './cookie-settings.ts'
export { currentSession, type NamedSession, runWithSession } from './current-session.ts'
export { cutOff } from './cut-off.ts'
export { emitWithSession } from './event-context.ts'
export type { FrameworkRequest, HttpExchange } from './exchange.ts'
export { answerOf } from './fetch-answer.ts'
export { FetchRun, isResponse } from './fetch-run.ts'
export { checkArguments, FOREIGN_OPTIONS, refuseCall } from './foreign-options.ts'
export type { NodeResponse } from './held-response.ts'
export { HttpLifecycle, type LifecycleHooks } from './lifecycle.ts'
export type { NodeRequest } from './node-exchange.ts'
export { NodeRun } from './node-run.ts'
export { type HttpSessionOptions, type HttpSettings, resolveHttpOptions } from './options.ts'
export type { Origins } from './origin.ts'
export {
  copyPlaced,
  findShared,
  lastPlaced,
  type PlacedSession,
  refuseTaken,
} from './placed-session.ts'
export {
  type PropertyName,
  refuseAssignment,
  runShared,
  SessionProperty,
} from './session-property.ts'
export type { SessionRequest } from './session-request.ts'
export { UpgradeGate, type UpgradeOptions } from './upgrade-gate.ts'
export { type Emitter, UpgradeRun } from './upgrade-run.ts'
