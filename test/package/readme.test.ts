import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Within the project, so that `gsession` is the built package itself. */
const FOLDER = join(ROOT, '.build', `readme-${process.pid}`)
/** Runs a program as it is, but on a free port, which it prints. */
const ON_FREE_PORT = `data:text/javascript,${encodeURIComponent(`
  import { Server } from 'node:net'
  const { listen } = Server.prototype
  Server.prototype.listen = function (port, ...rest) {
    this.once('listening', () => console.log(this.address().port))
    return listen.call(this, 0, ...rest)
  }
`)}`

const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
const program = blockOf('js runnable counter.mjs')
const answers = blockOf('console').split(/^\$ curl .*\n/m)

beforeAll(() => {
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(join(FOLDER, 'counter.mjs'), program)
})
afterAll(() => rmSync(FOLDER, { recursive: true }))

describe("the README's first program", () => {
  afterEach(() => Promise.all(running.map(stop)))

  it('has fifteen lines at most', () => {
    expect(program.trim().split('\n').length).toBeLessThanOrEqual(15)
  })

  it('answers line by line what the transcript shows, and goes on counting after a restart', async () => {
    const counter = await start()
    const first = await ask(counter.port)
    expect(withoutChance(first)).toBe(withoutChance(answers[1]))
    const [, cookie = ''] = /^Set-Cookie: ([^;]+)/m.exec(first) ?? []
    const second = await ask(counter.port, cookie)
    expect(withoutChance(second)).toBe(withoutChance(answers[2]))
    await stop(counter)

    const again = await start()
    expect(await ask(again.port, cookie)).toMatch(/\n\n3 views\n$/)
    await stop(again)
  })
})

describe("the README's transcript", () => {
  it('asks twice, of the port on which the program listens', () => {
    expect(answers).toHaveLength(3)
    const [, port] = /listen\((\d+)\)/.exec(program) ?? []
    expect(readme.match(/^\$ curl .*$/gm)).toEqual(
      Array(2).fill(`$ curl -i -b jar -c jar http://localhost:${port}/`),
    )
  })
})

const running: Counter[] = []

interface Counter {
  readonly child: ChildProcess
  readonly port: number
}

async function start(): Promise<Counter> {
  const child = spawn(process.execPath, ['--import', ON_FREE_PORT, 'counter.mjs'], {
    cwd: FOLDER,
    env: { ...process.env, XDG_STATE_HOME: join(FOLDER, 'state') },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.once('data', data => resolve(Number(data)))
    child.once('exit', code => reject(new Error(`The program ended with ${code}`)))
  })
  const counter = { child, port }
  running.push(counter)
  return counter
}

async function stop({ child }: Counter): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill()
  await exit
}

/** The answer as `curl -i` shows it. */
function ask(port: number, cookie?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    // As curl asks: for a connection that stays open.
    const headers = { Connection: 'keep-alive', ...(cookie === undefined ? {} : { cookie }) }
    const request = get({ port, headers, agent: false }, async response => {
      const lines = [`HTTP/1.1 ${response.statusCode} ${response.statusMessage}`]
      response.rawHeaders.forEach((part, index, all) => {
        if (index % 2 === 0) lines.push(`${part}: ${all[index + 1]}`)
      })
      resolve(`${lines.join('\n')}\n\n${await text(response)}`)
    })
    request.once('error', reject)
  })
}

function withoutChance(answer = ''): string {
  return answer
    .replace(/sid=[A-Za-z0-9_-]{43};/, 'sid=ID;')
    .replaceAll(/\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT/g, 'DATE')
}

function blockOf(info: string): string {
  const [, block = ''] = new RegExp(`^\`\`\`${info}\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(readme) ?? []
  return block
}
