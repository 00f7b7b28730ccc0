/** The door through which adapters come in. */
export type { HttpExchange } from './exchange.ts'
export { HeldResponse, type NodeResponse } from './held-response.ts'
export { HttpLifecycle } from './lifecycle.ts'
export {
  type CookieOptions,
  type HttpSessionOptions,
  type HttpSettings,
  resolveHttpOptions,
} from './options.ts'
export { appendHeader } from './write-head-arguments.ts'
