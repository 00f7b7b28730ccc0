/** The door through which adapters come in. */
export { currentSession, runWithSession } from './current-session.ts'
export type { HttpExchange } from './exchange.ts'
export type { NodeResponse } from './held-response.ts'
export { HttpLifecycle, type LifecycleHooks } from './lifecycle.ts'
export type { NodeRequest } from './node-exchange.ts'
export { NodeRun } from './node-run.ts'
export {
  type CookieOptions,
  type HttpSessionOptions,
  type HttpSettings,
  resolveHttpOptions,
} from './options.ts'
