import type { HttpExchange } from './exchange.ts'

/** Fields that hold for some caches in place of Cache-Control: RFC 9213, and those that came before it. */
const TARGETED = /(?:^|-)(?:cache|surrogate|edge)-control$/
/** The same for nginx, in seconds; 0: not at all. */
const NGINX = 'x-accel-expires'
const KEPT_FROM_SHARED = /(?:^|[\s,])(?:no-store|private)(?:$|[\s,])/i

/** A shared cache may keep what tells an id, a cookie even (RFC 9111 7.3), unless told not to. */
export function keepFromCaches(exchange: HttpExchange): void {
  if (!KEPT_FROM_SHARED.test(exchange.responseHeader('Cache-Control') ?? '')) {
    exchange.setHeader('Cache-Control', 'no-store')
  }
  for (const name of exchange.responseHeaderNames()) {
    const lower = name.toLowerCase()
    if (lower === NGINX) exchange.setHeader(name, '0')
    if (!TARGETED.test(lower)) continue
    if (!KEPT_FROM_SHARED.test(exchange.responseHeader(name) ?? '')) {
      exchange.setHeader(name, 'no-store')
    }
  }
}
