import {
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerInterceptor,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type StatusObject,
  type sendUnaryData,
  type UntypedHandleCall,
} from '@grpc/grpc-js'
import type { Manager, Session } from 'gsession'
import { type GrpcSessionOptions, session, sessionOf, statusOf } from 'gsession/grpc'
import { onTestFinished } from 'vitest'
import { certificate, tlsOf } from '../helpers/http-servers.ts'

/** The kinds of calls: what the client streams, and what the server does. */
export const KINDS = ['unary', 'clientStream', 'serverStream', 'bidi'] as const
export type Kind = (typeof KINDS)[number]

const isRequestStream = (kind: Kind): boolean => kind === 'clientStream' || kind === 'bidi'
const isResponseStream = (kind: Kind): boolean => kind === 'serverStream' || kind === 'bidi'

/** A call as its handler sees it, with what the kinds have in common. */
export type ServerCall = ServerUnaryCall<string, unknown> &
  Partial<Pick<ServerWritableStream<string, unknown>, 'write' | 'end' | 'emit' | 'once'>>

/** What a call does: its result is the answer, an error becomes the status. */
export type Work = (session: Session, call: ServerCall) => unknown

export interface SiteOptions {
  readonly options?: GrpcSessionOptions
  /** Interceptors on the side of the network, and on that of the handler. */
  readonly before?: readonly ServerInterceptor[]
  readonly after?: readonly ServerInterceptor[]
  readonly isSecure?: boolean
  /** What is sent at the end beside the status. */
  readonly trailers?: Metadata
  /** What stands between the client and the server: given the server's port, it answers its own. */
  readonly through?: (port: number) => Promise<number>
  /** A handler of the test's own in place of work. */
  readonly handlers?: Partial<Record<Kind, UntypedHandleCall>>
}

/** How a client calls. */
export interface CallOptions {
  /** One, or several as if they were one. */
  readonly id?: string | readonly string[] | undefined
  readonly metadata?: Readonly<Record<string, string>>
  /** Milliseconds from now. */
  readonly deadline?: number
}

/** What a client heard. */
export interface Answer {
  /** Undefined when none came. */
  readonly initial: Metadata | undefined
  /** What `session-id` says in the initial metadata. */
  readonly id: string | undefined
  readonly messages: readonly unknown[]
  readonly code: number
  readonly details: string
  readonly trailers: Metadata
}

/** A call that may be under way. */
export interface RunningCall {
  /** So far. */
  readonly messages: readonly unknown[]
  readonly answer: Promise<Answer>
  readonly initial: Promise<Metadata>
  write(message: string): void
  /** Nothing more is written. */
  end(): void
  cancel(): void
  /** Reads no more of what a server streams, so that this cannot leave once buffers are full. */
  pause(): void
}

/** A call of any kind; only those that stream have all of it. */
type ClientCall = Pick<
  ClientDuplexStream<string, unknown>,
  'on' | 'cancel' | 'write' | 'end' | 'pause'
>

/** The id of a session that holds these. */
export async function begin(
  manager: Manager,
  values: Readonly<Record<string, unknown>> = { user: 'Ada' },
): Promise<string> {
  const session = manager.new()
  await session.setMap(values)
  await session.close()
  return session.id()
}

const serialize = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
const deserialize = (bytes: Buffer): unknown => JSON.parse(bytes.toString())
const pathOf = (kind: Kind): string => `/test.Calls/${kind}`

/** A real server with one method of each kind, and a client of it. */
export class GrpcSite {
  readonly #client: Client

  private constructor(client: Client) {
    this.#client = client
  }

  /** Starts one on a free port, and stops it when the test is over. */
  static async start(manager: Manager, work: Work, site: SiteOptions = {}): Promise<GrpcSite> {
    const interceptor = session(manager, site.options)
    const { before = [], after = [], isSecure = false, through = port => port } = site
    const server = new Server({ interceptors: [...before, interceptor, ...after] })
    const methods = KINDS.map(kind => [kind, methodOf(kind)] as const)
    const handlers = { ...handlersOf(work, site.trailers), ...site.handlers }
    server.addService(Object.fromEntries(methods), handlers)
    const { key, cert } = tlsOf()
    const pair = { private_key: Buffer.from(key), cert_chain: Buffer.from(cert) }
    const port = await new Promise<number>((resolve, reject) => {
      const ownCredentials = isSecure
        ? ServerCredentials.createSsl(null, [pair])
        : ServerCredentials.createInsecure()
      server.bindAsync('127.0.0.1:0', ownCredentials, (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      )
    })
    const client = new Client(
      `127.0.0.1:${await through(port)}`,
      isSecure ? credentials.createSsl(Buffer.from(certificate)) : credentials.createInsecure(),
      isSecure ? { 'grpc.ssl_target_name_override': 'localhost' } : {},
    )
    onTestFinished(() => {
      client.close()
      server.forceShutdown()
    })
    return new GrpcSite(client)
  }

  /** Calls with one message, and waits for the status. */
  call(kind: Kind, options: CallOptions = {}): Promise<Answer> {
    const running = this.start(kind, options)
    if (isRequestStream(kind)) {
      running.write('message')
      running.end()
    }
    return running.answer
  }

  /** Begins a call. A client that streams writes nothing by itself. */
  start(kind: Kind, { id, metadata = {}, deadline }: CallOptions = {}): RunningCall {
    const sent = new Metadata()
    for (const [key, value] of Object.entries(metadata)) sent.set(key, value)
    for (const one of id === undefined ? [] : [id].flat()) sent.add('session-id', one)
    const options = deadline === undefined ? {} : { deadline: Date.now() + deadline }
    const messages: unknown[] = []
    const call = this.#open(kind, sent, options, message => messages.push(message))
    let initial: Metadata | undefined
    const told = new Promise<Metadata>(resolve => {
      call.on('metadata', (received: Metadata) => {
        initial = received
        resolve(received)
      })
    })
    const answer = new Promise<Answer>(resolve => {
      call.on('status', ({ code, details, metadata: trailers }: StatusObject) => {
        const [value] = initial?.get('session-id') ?? []
        resolve({ initial, id: value?.toString(), messages, code, details, trailers })
      })
    })
    return {
      messages,
      answer,
      initial: told,
      write: message => void call.write(message),
      end: () => void call.end(),
      cancel: () => call.cancel(),
      pause: () => void call.pause(),
    }
  }

  #open(
    kind: Kind,
    metadata: Metadata,
    options: object,
    received: (message: unknown) => void,
  ): ClientCall {
    const path = pathOf(kind)
    const done = (error: unknown, value: unknown): void => {
      if (error === null) received(value)
    }
    const [client, pack, unpack] = [this.#client, serialize, deserialize]
    if (kind === 'unary') {
      const unary = client.makeUnaryRequest(path, pack, unpack, 'message', metadata, options, done)
      return unary as unknown as ClientCall
    }
    if (kind === 'clientStream') {
      const stream = client.makeClientStreamRequest(path, pack, unpack, metadata, options, done)
      return stream as unknown as ClientCall
    }
    const stream =
      kind === 'serverStream'
        ? client.makeServerStreamRequest(path, pack, unpack, 'message', metadata, options)
        : client.makeBidiStreamRequest(path, pack, unpack, metadata, options)
    stream.on('data', received)
    // The status says it too.
    stream.on('error', () => undefined)
    return stream as unknown as ClientCall
  }
}

function methodOf(kind: Kind): MethodDefinition<unknown, unknown> {
  return {
    path: pathOf(kind),
    requestStream: isRequestStream(kind),
    responseStream: isResponseStream(kind),
    requestSerialize: serialize,
    requestDeserialize: deserialize,
    responseSerialize: serialize,
    responseDeserialize: deserialize,
  }
}

/** The same work as a handler of each kind. */
function handlersOf(work: Work, trailers: Metadata | undefined): Record<Kind, UntypedHandleCall> {
  const run = async (call: unknown): Promise<unknown> => {
    const serverCall = call as ServerCall
    return work(sessionOf(serverCall), serverCall)
  }
  const reply = (call: unknown, callback: sendUnaryData<unknown>): void => {
    run(call).then(
      value => callback(null, value ?? 'nothing', trailers),
      error => callback(statusOf(error)),
    )
  }
  return {
    unary: (call: ServerUnaryCall<string, unknown>, callback: sendUnaryData<unknown>) =>
      reply(call, callback),
    clientStream: (
      call: ServerReadableStream<string, unknown>,
      callback: sendUnaryData<unknown>,
    ) => {
      call.resume()
      call.once('end', () => reply(call, callback))
    },
    serverStream: (call: ServerWritableStream<string, unknown>) => {
      run(call).then(
        value => {
          call.write(value ?? 'nothing')
          call.end(trailers)
        },
        error => call.emit('error', statusOf(error)),
      )
    },
    bidi: (call: ServerDuplexStream<string, unknown>) => {
      let work = Promise.resolve()
      call.on('data', () => {
        work = work.then(async () => {
          call.write((await run(call)) ?? 'nothing')
        })
        work.catch(error => call.emit('error', statusOf(error)))
      })
      call.once('end', () => {
        work.then(
          () => call.end(trailers),
          () => undefined,
        )
      })
    },
  }
}
