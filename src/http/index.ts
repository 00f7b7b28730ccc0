/** The door through which adapters come in. */
export { currentSession } from './current-session.ts'
export { cutOff } from './cut-off.ts'
export { type AnswerHead, FetchRun } from './fetch-run.ts'
export type { NodeResponse } from './held-response.ts'
export type { NodeRequest } from './node-exchange.ts'
export { NodeRun } from './node-run.ts'
export {
  type CookieOptions,
  type HttpSessionOptions,
  type HttpSettings,
  resolveHttpOptions,
} from './options.ts'
