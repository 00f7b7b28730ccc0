import type { Manager, Session } from 'gsession'
import type { HttpSessionOptions } from 'gsession/http'
import type { Kind, TestServer } from '../helpers/http-servers.ts'

/** What an application answers, whatever its framework. */
export interface Reply {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  /** A text, or pieces of one that come over time. */
  readonly body?: string | AsyncIterable<string>
}

/** What an application is asked. */
export interface Question {
  readonly method: string
  readonly query: URLSearchParams
  /** The text of the request's body, as the framework parses it. */
  readonly text: string
}

export type Route = (session: Session, question: Question) => Promise<Reply> | Reply

export interface AppOptions {
  readonly kind: Kind
  readonly manager: Manager
  readonly options: HttpSessionOptions
  /** What answers each path, to GET, HEAD and POST. */
  readonly routes: Readonly<Record<string, Route>>
  /** What reached the framework's own error handling, which answers 500 and `the error page`. */
  readonly errors: unknown[]
}

/** An adapter as its users use it: in a real application of its framework. */
export interface Adapter {
  readonly name: string
  /** The kinds of server that it is tried with. */
  readonly kinds: readonly Kind[]
  /** Starts an application on a free port, and stops it when the test is over. */
  serve(app: AppOptions): Promise<TestServer>
}

export const ERROR_PAGE = 'the error page'
