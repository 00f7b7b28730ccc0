import { Agent, type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'

/** What clients of one server did to one session. */
export interface Load {
  /** The keys whose writing was answered with success. */
  readonly stored: readonly string[]
  /** How many requests failed. */
  readonly failed: number
}

/** How many clients ask a server at once, and how many requests each sends, one after the other. */
export interface Amount {
  readonly clients: number
  readonly each: number
  /** Ends it sooner. */
  readonly end?: AbortSignal
}

/** Has clients put keys, each key once, into the session of a cookie. */
export function putKeys(base: string, cookie: string, name: string, amount: Amount): Promise<Load> {
  return load(amount, async (client, index, round) => {
    const key = `${name}-${index}-${round}`
    await client.ask(`${base}/key/${key}`, cookie, 'PUT', '1')
    return [key]
  })
}

/** Has clients read the whole session of a cookie. */
export function readAll(base: string, cookie: string, amount: Amount): Promise<Load> {
  return load(amount, async client => {
    await client.ask(`${base}/get`, cookie)
    return []
  })
}

/** The session as a server has it, once it is done with all that it was asked before. */
export async function dataOf(base: string, cookie: string): Promise<Record<string, unknown>> {
  using client = new Client()
  return JSON.parse(await client.ask(`${base}/get`, cookie))
}

async function load(
  { clients, each, end }: Amount,
  work: (client: Client, index: number, round: number) => Promise<string[]>,
): Promise<Load> {
  const stored: string[] = []
  let failed = 0
  const one = async (index: number): Promise<void> => {
    using client = new Client()
    for (let round = 0; round < each && end?.aborted !== true; round++) {
      try {
        stored.push(...(await work(client, index, round)))
      } catch (error) {
        if (!(error instanceof Refused)) throw error
        failed++
      }
    }
    await client.isDone()
  }
  await Promise.all(Array.from({ length: clients }, (_, index) => one(index)))
  return { stored, failed }
}

/** The server answered that it failed. */
class Refused extends Error {}

/** A client with one connection: a server begins a request once it is done with the one before. */
class Client {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })
  #base = ''

  /** The text of the answer, which neither is a failure nor gives the client another session. */
  async ask(url: string, cookie: string, method = 'GET', body?: string): Promise<string> {
    this.#base = new URL('/', url).href
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      request(url, { agent: this.#agent, method, headers: { cookie } }, resolve)
        .once('error', reject)
        .end(body)
    })
    const content = await text(answer)
    if (answer.statusCode !== 200) throw new Refused(`${url}: ${answer.statusCode} ${content}`)
    // Its own id again is fine: the note of the cookie may be what Go has undone.
    const given = answer.headers['set-cookie']?.[0] ?? cookie
    if (!given.startsWith(cookie)) throw new Error(`${url} gave another session`)
    return content
  }

  /** GoFrame answers before it saves: what comes next on the connection is answered after that. */
  async isDone(): Promise<void> {
    if (this.#base !== '') await this.ask(`${this.#base}key/any`, '')
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }
}
