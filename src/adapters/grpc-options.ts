import { refuseOption, refuseUnknownOptions } from '../core/options.ts'
import { FOREIGN_OPTIONS, type HttpSettings, resolveHttpOptions } from '../http/index.ts'

/** How the id travels over gRPC, and which calls need a session. */
export interface GrpcSessionOptions {
  /**
   * The metadata key that carries the id, in both directions. Keys are in lower case. None that ends
   * in `-bin`, and none that gRPC or HTTP/2 keep for themselves.
   *
   * @default 'session-id'
   */
  name?: string
  /**
   * Whether calls without a session that exists are answered `UNAUTHENTICATED`, before the handler
   * runs.
   *
   * @default false
   */
  required?: boolean
  /**
   * Whether what was changed is stored when the handler fails: when its status is any but `OK`.
   *
   * @default true
   */
  saveOnError?: boolean
  /**
   * Whether `currentSession()` finds the session from anywhere below the handler. It slows down every
   * promise that the program makes, on Node 20 and 22 more than on later ones.
   *
   * @default false
   */
  asyncContext?: boolean
}

const OPTIONS = ['name', 'required', 'saveOnError', 'asyncContext'] as const

/** Options, checked and complete. */
export interface GrpcSettings extends HttpSettings {
  /** The metadata key, in lower case. */
  readonly name: string
  readonly required: boolean
}

/** @throws {@link SessionError} `ERR_OPTION` for a value that an option does not take */
export function resolveGrpcOptions(options: GrpcSessionOptions): GrpcSettings {
  refuseUnknownOptions(options, OPTIONS, undefined, FOREIGN_OPTIONS)
  const { name = 'session-id', required = false, ...others } = options
  if (!isMetadataKey(name)) {
    const expected =
      'a metadata key: a-z 0-9 _ - . in lower case, not `-bin` at its end, not reserved'
    refuseOption('name', expected, name)
  }
  if (typeof required !== 'boolean') refuseOption('required', 'true or false', required)
  return { ...resolveHttpOptions({ ...others, cookie: false, header: name }), name, required }
}

const METADATA_KEY = /^[a-z0-9_.-]+$/
/** What means something else to gRPC and HTTP/2, or must not be sent over it (RFC 9113 8.2.2). */
const RESERVED =
  /^(?:grpc-.*|.*-bin|connection|content-type|cookie|host|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade|user-agent)$/

function isMetadataKey(name: unknown): boolean {
  return typeof name === 'string' && METADATA_KEY.test(name) && !RESERVED.test(name)
}
