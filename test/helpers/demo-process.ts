import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const PROGRAM = `${ROOT}.build/demo/server.js`

/** A demo that listens. */
export interface Demo {
  readonly url: string
  readonly port: string
  /** The line it printed when it was ready. */
  readonly line: string
  /** Sends a signal, waits for the end, and answers the exit code; null if the signal ended it. */
  end(signal: NodeJS.Signals): Promise<number | null>
}

/** The environment that the demo reads: PORT, SESSION_TTL, SESSION_PATH, SESSION_STORAGE. */
export type DemoEnvironment = Readonly<Record<string, string>>

const running = new Set<ChildProcess>()

/** Compiles the demo if its program is missing or older than its source, as `npm start` does. */
export function buildDemo(): void {
  if (!existsSync(`${ROOT}dist/index.js`))
    throw new Error('dist is missing: run npm run build first')
  if (existsSync(PROGRAM) && changedAt(PROGRAM) > changedAt(`${ROOT}demo/server.ts`)) return
  // Several test files may do this at the same time: each brings its own files into place at once.
  const made = `${ROOT}.build/demo-${process.pid}`
  const compiler = [`${ROOT}node_modules/typescript/bin/tsc`, '-p', 'demo/tsconfig.json']
  execFileSync(process.execPath, [...compiler, '--outDir', made], { cwd: ROOT, stdio: 'inherit' })
  mkdirSync(`${ROOT}.build/demo`, { recursive: true })
  for (const name of readdirSync(made)) renameSync(`${made}/${name}`, `${ROOT}.build/demo/${name}`)
  rmSync(made, { recursive: true })
}

/** Starts the real program, on a free port unless one is given, and waits until it listens. */
export async function startDemo(environment: DemoEnvironment): Promise<Demo> {
  const { child, output } = spawnDemo({ PORT: '0', ...environment })
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', () => {
      if (output.stdout.includes('\n')) resolve(output.stdout)
    })
    child.once('close', () => reject(new Error(`The demo ended: ${output.stderr}`)))
  })
  const [url = '', port = ''] = /http:\/\/localhost:(\d+)/.exec(line) ?? []
  return { url, port, line, end: signal => end(child, signal) }
}

/** Starts the real program and waits for its end. */
export async function runDemo(
  environment: DemoEnvironment,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const { child, output } = spawnDemo(environment)
  await once(child, 'close')
  return { code: child.exitCode, ...output }
}

/** Ends whatever a test left running. */
export async function endDemos(): Promise<void> {
  await Promise.all([...running].map(child => end(child, 'SIGKILL')))
}

function spawnDemo(environment: DemoEnvironment) {
  const { PATH, HOME } = process.env
  const child = spawn(process.execPath, [PROGRAM], {
    cwd: ROOT,
    env: { PATH, HOME, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  child.once('close', () => running.delete(child))
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
    })
  }
  return { child, output }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    const closed = once(child, 'close')
    child.kill(signal)
    await closed
  }
  return child.exitCode
}

function changedAt(path: string): number {
  return statSync(path).mtimeMs
}
