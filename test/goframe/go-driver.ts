import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { decodeData, encodeData } from 'gsession'

const folder = process.env['GSESSION_GOFRAME']

/** The versions that scripts/goframe.mjs has built. */
export const GO_VERSIONS = ['newest', '2.6.4'] as const
export type GoVersion = (typeof GO_VERSIONS)[number]

/** Why the tests with a live GoFrame do not run, or undefined. */
export const whyNoGo =
  folder !== undefined && GO_VERSIONS.every(version => existsSync(programOf(version)))
    ? undefined
    : 'needs `npm run test:goframe`, which builds GoFrame'

export function programOf(version: GoVersion): string {
  return join(folder ?? '', `interop-${version}`)
}

/** Where GoFrame keeps sessions; see interop/storages.go. */
export interface GoPlace {
  readonly kind: 'memory' | 'file' | 'kv' | 'hash'
  readonly path?: string
  readonly crypto?: boolean
  readonly redis?: string
  readonly prefix?: string
  /** Milliseconds. */
  readonly ttl: number
}

/** A Go program with GoFrame's gsession, which carries out one order after the other. */
export class GoDriver {
  readonly #process: ChildProcessWithoutNullStreams
  readonly #lines: Interface
  readonly #waiting: PromiseWithResolvers<unknown>[] = []
  #sessions = 0

  constructor(version: GoVersion) {
    this.#process = spawn(programOf(version), ['driver'])
    this.#lines = createInterface(this.#process.stdout)
    this.#lines.on('line', line => this.#answered(line))
    this.#process.stderr.resume()
    this.#process.once('exit', () => {
      for (const each of this.#waiting.splice(0)) each.reject(new Error('The Go program ended'))
    })
  }

  /** Carries out one order. Numbers beyond the safe ones are bigints. */
  call(order: Readonly<Record<string, unknown>>): Promise<unknown> {
    const answer = withResolvers<unknown>()
    this.#waiting.push(answer)
    this.#process.stdin.write(`${encodeData(order)}\n`)
    return answer.promise
  }

  async open(storage: string, place: GoPlace): Promise<void> {
    await this.call({ do: 'open', storage, ...place })
  }

  /** A session object for one request, of an id or a new one. */
  async begin(storage: string, id = ''): Promise<GoSession> {
    const session = String(++this.#sessions)
    await this.call({ do: 'new', storage, session, id })
    return new GoSession(order => this.call({ ...order, session }))
  }

  /** What a request does on the session, closed afterwards. */
  async request<T>(
    storage: string,
    id: string,
    work: (session: GoSession) => Promise<T>,
  ): Promise<T> {
    const session = await this.begin(storage, id)
    const result = await work(session)
    await session.order('close')
    return result
  }

  close(): void {
    this.#process.kill('SIGKILL')
  }

  #answered(line: string): void {
    const { result, error } = decodeData(line)
    const waiting = this.#waiting.shift()
    if (error === undefined) waiting?.resolve(result)
    else waiting?.reject(new Error(String(error)))
  }
}

/** A session on Go's side. The orders are those of interop/driver.go. */
export class GoSession {
  readonly #call: GoDriver['call']

  constructor(call: GoDriver['call']) {
    this.#call = call
  }

  order(name: string, more: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    return this.#call({ do: name, ...more })
  }

  set(key: string, value: unknown): Promise<unknown> {
    return this.order('set', { key, value })
  }

  async data(): Promise<Record<string, unknown>> {
    return (await this.order('data')) as Record<string, unknown>
  }

  async id(): Promise<string> {
    return String(await this.order('id'))
  }
}

interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: Error) => void
}

/** Node 20 has no Promise.withResolvers. */
function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve: (value: T) => void = () => undefined
  let reject: (error: Error) => void = () => undefined
  const promise = new Promise<T>((res, rej) => {
    resolve = res
    reject = rej
  })
  return { promise, resolve, reject }
}
