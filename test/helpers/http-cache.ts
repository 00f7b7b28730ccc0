import { type Answer, type Ask, ask } from './http-client.ts'
import type { TestServer } from './http-servers.ts'

interface Kept {
  readonly answer: Answer
  /** What the request's headers had of those that the answer varies with. */
  readonly varied: Readonly<Record<string, string | undefined>>
}

/**
 * A shared cache as greedy as RFC 9111 lets it be: it keeps everything that it is not told to leave
 * (3), Set-Cookie or not (7.3), for ever, and answers with it whoever asks alike (4.1).
 */
export class SharedCache {
  readonly #server: TestServer
  readonly #kept = new Map<string, Kept[]>()
  hits = 0

  constructor(server: TestServer) {
    this.#server = server
  }

  async ask(path: string, options: Ask = {}): Promise<Answer> {
    const headers = lowerCase(options.headers ?? {})
    const kept = this.#kept.get(path) ?? []
    const hit = kept.find(({ varied }) =>
      Object.entries(varied).every(([name, value]) => headers[name] === value),
    )
    if (hit !== undefined) {
      this.hits++
      return hit.answer
    }
    const answer = await ask(this.#server, path, options)
    if (mayKeep(answer)) this.#kept.set(path, [...kept, { answer, varied: vary(answer, headers) }])
    return answer
  }
}

function mayKeep({ status, headers }: Answer): boolean {
  const forbidden = /\b(?:no-store|private|no-cache)\b/i.test(headers['cache-control'] ?? '')
  return status === 200 && !forbidden && headers['vary'] !== '*'
}

function vary({ headers }: Answer, asked: Record<string, string>): Kept['varied'] {
  const names = (headers['vary'] ?? '').toLowerCase().split(/\s*,\s*/)
  return Object.fromEntries(names.filter(name => name !== '').map(name => [name, asked[name]]))
}

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  )
}
