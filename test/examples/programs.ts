import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** A program of `examples/` that runs, and is ended when the test is over. */
export class Program {
  readonly #child: ChildProcess
  #output = ''
  #errors = ''

  constructor(path: string, environment: Readonly<Record<string, string>> = {}) {
    const env = { ...process.env, ...environment }
    this.#child = spawn(process.execPath, [path], { cwd: ROOT, env })
    this.#child.stdout?.on('data', bytes => {
      this.#output += bytes
    })
    this.#child.stderr?.on('data', bytes => {
      this.#errors += bytes
    })
    onTestFinished(() => this.kill())
  }

  /** What it has printed so far, line by line. */
  get lines(): string[] {
    return this.#output.split('\n').filter(line => line !== '')
  }

  get errors(): string {
    return this.#errors
  }

  type(line: string): void {
    this.#child.stdin?.write(`${line}\n`)
  }

  /** The port that a server prints once it listens. */
  async port(): Promise<string> {
    for (;;) {
      const [, port] = /^Listening on .*:(\d+)$/m.exec(this.#output) ?? []
      if (port !== undefined) return port
      const ended = once(this.#child, 'exit').then(() => {
        throw new Error(`The program has ended: ${this.#errors}`)
      })
      await Promise.race([once(this.#child.stdout ?? this.#child, 'data'), ended])
    }
  }

  /** Its exit code, once it has ended and all its output is here. */
  async end(): Promise<number | null> {
    if (this.#child.exitCode === null) await once(this.#child, 'close')
    return this.#child.exitCode
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'close')
  }
}
