import type { FrameworkRequest, HttpExchange } from './exchange.ts'
import type { HttpSettings } from './options.ts'

/**
 * Whether the client's side of the connection is TLS: as the proxy says if `trustProxy` trusts it, else
 * as the framework says, else as the connection is.
 */
export function isSecure(exchange: HttpExchange, settings: HttpSettings): boolean {
  const { trustProxy } = settings
  if (trustProxy === undefined) {
    const answer = askFramework(exchange.framework) ?? exchange.isEncrypted
    if (!answer && !trustsProxy(exchange.framework)) warnOfProxy(exchange, settings)
    return answer
  }
  // A promise is no answer, and must not pass for one.
  const isTrusted =
    typeof trustProxy === 'function' ? trustProxy(exchange.request) === true : trustProxy
  return (isTrusted ? askProxy(exchange) : undefined) ?? exchange.isEncrypted
}

function askFramework(request: FrameworkRequest | undefined): boolean | undefined {
  if (request === undefined) return undefined
  const { secure, protocol } = request
  if (typeof secure === 'boolean') return secure
  return typeof protocol === 'string' ? protocol === 'https' : undefined
}

/** Whether the framework's own setting trusts a proxy, if not this one. */
function trustsProxy(request: FrameworkRequest | undefined): boolean {
  if (request === undefined) return false
  const { secure, ips, app } = request
  if (typeof secure !== 'boolean') return ips !== undefined
  return Boolean(app?.proxy) || Boolean(app?.get?.('trust proxy'))
}

/** What the headers of the proxy that is closest to the client say; undefined when they say nothing. */
function askProxy(exchange: HttpExchange): boolean | undefined {
  const protocol = exchange.requestHeader('x-forwarded-proto')?.split(',', 1)[0]
  return isTls(protocol) ?? isTls(forwardedProtocol(exchange.requestHeader('forwarded')))
}

function isTls(protocol: string | undefined): boolean | undefined {
  const name = protocol?.trim().toLowerCase()
  // Some proxies name the protocol of a WebSocket.
  if (name === 'https' || name === 'wss') return true
  return name === 'http' || name === 'ws' ? false : undefined
}

/** One parameter of an element, its value a token or quoted (RFC 7239 4), and what ends it. */
const PARAMETER = /[ \t]*([!#$%&'*+\-.^_`|~\w]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*))[ \t]*(;?)/y

/** `proto` of the first element: the client's side of the first proxy. */
function forwardedProtocol(forwarded: string | undefined): string | undefined {
  if (forwarded === undefined) return undefined
  PARAMETER.lastIndex = 0
  for (;;) {
    const parameter = PARAMETER.exec(forwarded)
    if (parameter === null) return undefined
    const [, name = '', quoted, token, end] = parameter
    if (name.toLowerCase() === 'proto') return quoted?.replace(/\\(.)/g, '$1') ?? token
    if (end === '') return undefined
  }
}

/** Without this, a site behind a proxy has cookies without `Secure` and nobody notices. */
function warnOfProxy(exchange: HttpExchange, { warned, cookie }: HttpSettings): void {
  if (warned.ofProxy || cookie?.isAlwaysOverTls !== false || askProxy(exchange) !== true) return
  warned.ofProxy = true
  const advice =
    "set `trustProxy: true` if a proxy of yours sends that, or your framework's own option for it, else `trustProxy: false`"
  process.emitWarning(
    `A request says that it came over TLS to a proxy, which nobody trusts here, so its session cookie is not \`Secure\`: ${advice}`,
    { type: 'SessionWarning', code: 'WARN_PROXY' },
  )
}
