import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { buildDemo, type Demo, endDemos, runDemo, startDemo } from '../helpers/demo-process.ts'
import { filesIn } from '../storages/file-names.ts'

const folder = mkdtempSync(join(tmpdir(), 'gsession-demo-'))
let folders = 0

beforeAll(buildDemo)
afterEach(endDemos)
afterAll(() => rmSync(folder, { recursive: true }))

describe('the walk-through', () => {
  it('sets, gets and removes, with exactly these bodies', async () => {
    const demo = await startDemo({ SESSION_PATH: newPath() })
    const visitor = new Visitor()
    expect(await visitor.get(demo, '/get')).toBe('{}')
    expect(visitor.cookie).toBeUndefined()

    const before = Math.floor(Date.now() / 1000)
    expect(await visitor.get(demo, '/set')).toBe('ok')
    const after = Math.floor(Date.now() / 1000)
    const answer = await visitor.get(demo, '/get')
    const time = Number(/^\{"time":(\d+)\}$/.exec(answer)?.[1])
    expect(time).toBeGreaterThanOrEqual(before)
    expect(time).toBeLessThanOrEqual(after)
    expect(await new Visitor().get(demo, '/get')).toBe('{}')

    expect(await visitor.get(demo, '/del')).toBe('ok')
    expect(visitor.cookie).toBeUndefined()
    expect(await visitor.get(demo, '/get')).toBe('{}')
  })

  it.each(['SIGTERM', 'SIGINT', 'SIGKILL'] as const)('keeps the session over %s', async signal => {
    const path = newPath()
    const first = await startDemo({ SESSION_PATH: path })
    const visitor = new Visitor()
    await visitor.get(first, '/set')
    // Nothing is read in between: what was answered with ok is stored, however the process ends.
    expect(await first.end(signal)).toBe(signal === 'SIGKILL' ? null : 0)

    const second = await startDemo({ SESSION_PATH: path })
    expect(await visitor.get(second, '/get')).toMatch(/^\{"time":\d+\}$/)
  })

  it('removes for good: a session does not come back with a restart', async () => {
    const path = newPath()
    const first = await startDemo({ SESSION_PATH: path })
    const visitor = new Visitor()
    await visitor.get(first, '/set')
    const { cookie } = visitor
    await visitor.get(first, '/del')
    await first.end('SIGTERM')

    const second = await startDemo({ SESSION_PATH: path })
    expect(await new Visitor(cookie).get(second, '/get')).toBe('{}')
  })

  it('has nothing after the ttl', async () => {
    const demo = await startDemo({ SESSION_PATH: newPath(), SESSION_TTL: '2s' })
    const visitor = new Visitor()
    await visitor.get(demo, '/set')
    expect(await visitor.get(demo, '/get')).toMatch(/^\{"time":\d+\}$/)
    await wait(2010)
    expect(await visitor.get(demo, '/get')).toBe('{}')
  })
})

describe('the program', () => {
  it('says in one line where it listens and where sessions are kept', async () => {
    const path = newPath()
    const demo = await startDemo({ SESSION_PATH: path })
    expect(demo.line).toBe(`Listening on ${demo.url}, sessions are kept in ${path}\n`)
  })

  it('keeps sessions in the folder of this user when none is given', async () => {
    const demo = await startDemo({ XDG_STATE_HOME: newPath() })
    await new Visitor().get(demo, '/set')
    const [, path = ''] = /kept in (.+)\n/.exec(demo.line) ?? []
    expect(path.startsWith(folder)).toBe(true)
    expect(filesIn(path)).toHaveLength(1)
  })

  it('refuses a wrong SESSION_TTL', async () => {
    const { code, stdout, stderr } = await runDemo({
      SESSION_PATH: newPath(),
      SESSION_TTL: '1 minute',
    })
    expect(stderr).toMatch(/^The demo cannot start: Expected `ttl` to be .+, got "1 minute"\n$/)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  })

  it('refuses a port in use', async () => {
    const { port } = await startDemo({ SESSION_PATH: newPath() })
    const { code, stdout, stderr } = await runDemo({ SESSION_PATH: newPath(), PORT: port })
    expect(stderr).toMatch(
      new RegExp(`^The demo cannot start: .*EADDRINUSE: address already in use .*:${port}\n$`),
    )
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  })

  it('refuses a PORT that is none', async () => {
    const { code, stderr } = await runDemo({ SESSION_PATH: newPath(), PORT: 'http' })
    expect(stderr).toMatch(/^The demo cannot start: .*port.*\n$/)
    expect(code).toBe(1)
  })

  it('has nothing at other paths', async () => {
    const demo = await startDemo({ SESSION_PATH: newPath() })
    for (const path of ['/nothing', '/set/', '/api', '/api/session/', '//', '/constructor']) {
      expect((await fetch(`${demo.url}${path}`)).status, path).toBe(404)
    }
  })
})

describe("the page's requests", () => {
  it('changes nothing for a GET', async () => {
    const demo = await startDemo({ SESSION_PATH: newPath() })
    for (const action of ['time', 'views', 'name', 'remove', 'new-id', 'log-out']) {
      expect((await fetch(`${demo.url}/api/${action}`)).status).toBe(404)
    }
  })

  it('answers the page without a session, a cookie or a file', async () => {
    const path = newPath()
    const demo = await startDemo({ SESSION_PATH: path })
    const response = await fetch(demo.url)
    expect(await response.text()).toBe(readFileSync('demo/page.html', 'utf8'))
    expect(response.headers.get('Content-Type')).toBe('text/html; charset=utf-8')
    expect(response.headers.has('Set-Cookie')).toBe(false)
    expect(filesIn(path)).toEqual([])
  })

  it('tells what went over the wire, the id masked', async () => {
    const demo = await startDemo({ SESSION_PATH: newPath(), SESSION_TTL: '1m' })
    const visitor = new Visitor()
    const text = await visitor.send(demo, 'POST', '/api/name?name=Ad%C3%A4+%22L%22')
    const id = visitor.cookie?.slice('sid='.length) ?? ''
    expect(id).toHaveLength(43)
    const masked = `sid=${id.slice(0, 4)}••••••••`
    const [session, headers] = text.split('\n').map(line => JSON.parse(line))
    expect(session).toEqual({ data: { name: 'Adä "L"' }, ttl: 60_000 })
    expect(headers).toEqual({ setCookie: expect.stringMatching(`^${masked}; Path=/; Expires=`) })

    // Cookies of others are nobody's business.
    const other = new Visitor(`a=1; ${visitor.cookie}; theirs=secret`)
    const [, next = ''] = (await other.send(demo, 'GET', '/api/session')).split('\n')
    expect(JSON.parse(next)).toEqual({ cookie: masked })
  })

  it('counts every one of twenty requests side by side', async () => {
    const demo = await startDemo({ SESSION_PATH: newPath() })
    const visitor = new Visitor()
    await visitor.send(demo, 'POST', '/api/views')
    const many = Array.from({ length: 19 }, () => visitor.send(demo, 'POST', '/api/views'))
    await Promise.all(many)
    expect(await visitor.get(demo, '/get')).toBe('{"views":20}')
  })
})

/** Somebody with a cookie jar for one cookie. */
class Visitor {
  cookie: string | undefined

  constructor(cookie?: string) {
    this.cookie = cookie
  }

  get(demo: Demo, path: string): Promise<string> {
    return this.send(demo, 'GET', path)
  }

  async send(demo: Demo, method: string, path: string): Promise<string> {
    const headers: Record<string, string> = this.cookie ? { Cookie: this.cookie } : {}
    const response = await fetch(`${demo.url}${path}`, { method, headers })
    for (const line of response.headers.getSetCookie()) {
      const [pair] = line.split(';', 1)
      this.cookie = pair === 'sid=' ? undefined : pair
    }
    expect(response.status).toBe(200)
    return response.text()
  }
}

function newPath(): string {
  return join(folder, `${folders++}`)
}
