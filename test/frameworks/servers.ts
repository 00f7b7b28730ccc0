import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Manager, StorageFile } from 'gsession'

const folder = process.env['GSESSION_FRAMEWORKS']
const newNode = process.env['GSESSION_FRAMEWORKS_NODE']

/** Why the tests with real frameworks do not run, or undefined. */
export const whyNoFrameworks =
  folder !== undefined ? undefined : 'needs `npm run test:frameworks`, which installs them'

const PROGRAMS = {
  node: newNode,
  bun: programOf('@oven/bun-linux-x64/bin/bun'),
  deno: programOf('@deno/linux-x64-glibc/deno'),
} as const

interface Framework {
  /** The folder in test/frameworks. */
  readonly project: string
  readonly program: keyof typeof PROGRAMS
  readonly args: readonly string[]
  /** The name of its session cookie, unless it is the one that connections without TLS have. */
  readonly cookie?: string
  /** What a proxy before it would send. */
  readonly headers?: Readonly<Record<string, string>>
  /** What it reads beside PORT and HOST. */
  readonly env?: (port: number) => Readonly<Record<string, string>>
}

const ALL_RIGHTS = [
  '--allow-net',
  '--allow-read',
  '--allow-write',
  '--allow-env',
  '--allow-sys=uid',
]

/** How each server is started in production. */
const FRAMEWORKS = {
  'Bun.serve': { project: 'bun', program: 'bun', args: ['server.ts'] },
  'Deno.serve': {
    project: 'deno',
    program: 'deno',
    args: ['run', '--no-prompt', ...ALL_RIGHTS, 'server.ts'],
    env: port => ({ DENO_SERVE_ADDRESS: `tcp:127.0.0.1:${port}` }),
  },
  'Elysia on Bun': { project: 'elysia', program: 'bun', args: ['server.ts'] },
  'Elysia on Node': { project: 'elysia', program: 'node', args: ['server-node.ts'] },
  'Nest 12 on Express': { project: 'nest-12', program: 'node', args: ['dist/main.js'] },
  'Nest 12 on Fastify': { project: 'nest-12', program: 'node', args: ['dist/main-fastify.js'] },
  'React Router': {
    project: 'react-router',
    program: 'node',
    args: ['node_modules/@react-router/serve/bin.cjs', 'build/server/index.js'],
  },
  SvelteKit: {
    project: 'sveltekit',
    program: 'node',
    args: ['build/index.js'],
    headers: { 'x-forwarded-proto': 'http' },
    env: () => ({ PROTOCOL_HEADER: 'x-forwarded-proto' }),
  },
  'Next.js': {
    project: 'next',
    cookie: 'app',
    program: 'node',
    args: ['node_modules/next/dist/bin/next', 'start', '--hostname', '127.0.0.1'],
    env: () => ({ NEXT_TELEMETRY_DISABLED: '1' }),
  },
} as const satisfies Record<string, Framework>

/** Milliseconds. */
export const START_TIMEOUT = 120_000

export type FrameworkName = keyof typeof FRAMEWORKS
export const FRAMEWORK_NAMES = Object.keys(FRAMEWORKS) as FrameworkName[]

/** Why this one does not run here, or undefined. */
export function whyNot(name: FrameworkName): string | undefined {
  const { program } = FRAMEWORKS[name]
  if (whyNoFrameworks !== undefined || PROGRAMS[program] !== undefined) return whyNoFrameworks
  return program === 'node'
    ? 'needs Node 22.22 or newer'
    : `needs ${program}, which is installed on Linux for x64 alone`
}

/** A server of a framework, in a process of its own. */
export interface FrameworkServer {
  /** Without a slash at the end. */
  readonly url: string
  /** The name of its session cookie. */
  readonly cookie: string
  /** What each request has. */
  readonly headers: Readonly<Record<string, string>>
  /** The folder of its sessions. */
  readonly sessions: string
  /** Takes the storage away while something is done. */
  withoutStorage<Result>(work: () => Promise<Result>): Promise<Result>
  close(): Promise<void>
}

/** Starts a server on a free port, with sessions of its own, and waits until it answers. */
export async function startServer(name: FrameworkName): Promise<FrameworkServer> {
  const { project, program, args, cookie = 'sid', headers = {}, env }: Framework = FRAMEWORKS[name]
  const command = PROGRAMS[program] ?? ''
  const port = await freePort()
  const state = mkdtempSync(join(tmpdir(), 'gsession-frameworks-'))
  const child = spawn(command, args, {
    cwd: join(folder ?? '', project),
    env: {
      HOME: state,
      PATH: [dirname(command), process.env['PATH']].join(delimiter),
      NODE_ENV: 'production',
      XDG_STATE_HOME: state,
      PORT: String(port),
      HOST: '127.0.0.1',
      ...env?.(port),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const written: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => written.push(text))
  }
  const output = () => written.join('')
  const url = `http://127.0.0.1:${port}`
  await untilItAnswers(url, child, output)
  const [sessionsName = ''] = readdirSync(join(state, 'gsession'))
  const sessions = join(state, 'gsession', sessionsName)
  return {
    url,
    cookie,
    headers,
    sessions,
    async withoutStorage(work) {
      renameSync(sessions, `${sessions}.away`)
      return work().finally(() => renameSync(`${sessions}.away`, sessions))
    },
    async close() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL')
        await once(child, 'close')
      }
      rmSync(state, { recursive: true, force: true })
    },
  }
}

/** What another process finds under an id. */
export async function storedIn(
  { sessions }: FrameworkServer,
  id: string | undefined,
): Promise<Record<string, unknown>> {
  if (id === undefined) throw new Error('There is no id')
  const manager = new Manager({ storage: new StorageFile({ path: sessions }) })
  const { __gsession: _note, ...data } = await manager.new(id).data()
  await manager.close()
  return data
}

async function untilItAnswers(url: string, child: ChildProcess, output: () => string) {
  for (;;) {
    const answer = await fetch(url, { redirect: 'manual' }).catch(() => undefined)
    await answer?.arrayBuffer()
    if (answer?.ok === true) return
    if (answer !== undefined) throw new Error(`${url} answered ${answer.status}: ${output()}`)
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`The server has ended: ${output()}`)
    }
    await wait(50)
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  await new Promise(resolve => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

function programOf(path: string): string | undefined {
  const program = join(folder ?? '', 'runtimes', 'node_modules', path)
  return existsSync(program) ? program : undefined
}
