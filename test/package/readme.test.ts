import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const folder = join(root, '.build', `readme-${process.pid}`)

function block(language: string): string {
  const [, text = ''] =
    new RegExp(`\`\`\`${language}[^\\n]*\\n([\\s\\S]*?)\`\`\``).exec(readme) ?? []
  return text
}

describe("the README's first program", () => {
  const program = block('js')
  let server: ChildProcess
  let port = ''

  beforeAll(async () => {
    mkdirSync(folder, { recursive: true })
    const onFreePort = program.replace(
      '.listen(3000)',
      '.listen(0, function () { console.log(this.address().port) })',
    )
    expect(onFreePort).not.toBe(program)
    writeFileSync(join(folder, 'program.mjs'), onFreePort)
    const env = { ...process.env, XDG_STATE_HOME: join(folder, 'state') }
    server = spawn(process.execPath, ['program.mjs'], { cwd: folder, env })
    const [line] = server.stdout ? await once(server.stdout, 'data') : []
    port = String(line).trim()
  })

  afterAll(async () => {
    server.kill()
    await once(server, 'exit')
    rmSync(folder, { recursive: true, force: true })
  })

  it('has fifteen lines at most', () => {
    expect(program.trim().split('\n').length).toBeLessThanOrEqual(15)
  })

  it('answers what the transcript shows', async () => {
    const [first, second] = block('console')
      .split(/^\$ .*$/m)
      .slice(1)
    const one = await fetch(`http://localhost:${port}/`)
    expect(await transcript(one)).toBe(normalize(first))
    const [cookie = ''] = one.headers.getSetCookie()
    const two = await fetch(`http://localhost:${port}/`, {
      headers: { cookie: cookie.split(';')[0] ?? '' },
    })
    expect(await transcript(two)).toBe(normalize(second))
  })
})

/** The answer as curl shows it, without the headers that the README leaves out. */
async function transcript(response: Response): Promise<string> {
  const left = new Set(['date', 'connection', 'keep-alive'])
  const headers = [...response.headers].filter(([name]) => !left.has(name))
  const lines = headers.map(([name, value]) => `${name}: ${value}`).sort()
  return normalize(['http/1.1 200 ok', ...lines, '', await response.text()].join('\n'))
}

function normalize(text: string | undefined): string {
  const [head = '', body = ''] = (text ?? '').trim().split('\n\n')
  const [status = '', ...lines] = head.split('\n')
  const left = /^(?:date|connection|keep-alive):/i
  const headers = lines
    .filter(line => !left.test(line))
    .map(line => line.replace(/^[^:]+/, name => name.toLowerCase()))
    .sort()
  return [status.toLowerCase(), ...headers, '', body.trim()]
    .join('\n')
    .replace(/sid=[A-Za-z0-9_-]{43}/, 'sid=ID')
    .replace(/Expires=[^;]+ GMT/, 'Expires=DATE')
}

describe("the README's claims", () => {
  it('name tests that exist', () => {
    const tests = [...readme.matchAll(/test\/[\w/-]+\.test\.ts/g)].map(([path]) => path)
    expect(tests.length).toBeGreaterThan(5)
    for (const path of tests) expect(existsSync(join(root, path)), path).toBe(true)
  })
})
