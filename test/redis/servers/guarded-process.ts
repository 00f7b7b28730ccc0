import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import type { Socket } from 'node:net'

/**
 * Becomes the program, after it has left a guard behind: when this test process ends, however it ends, the
 * pipe breaks, and the guard kills the program and removes its folder. "done" sends the guard home.
 */
const SCRIPT = `
folder=$1; shift
( trap '' HUP INT TERM; read -r word <&3; [ "$word" = done ] || { kill -9 $$; rm -rf "$folder"; } ) >/dev/null 2>&1 &
exec "$@" 3<&-
`

/** A program that does not outlive this process, even if that is killed. */
export class GuardedProcess {
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>

  /** Starts a program that has a folder for itself; what it prints is added to a file. */
  constructor(folder: string, output: string, command: readonly string[]) {
    const file = openSync(output, 'a')
    this.#child = spawn('/bin/sh', ['-c', SCRIPT, 'guard', folder, ...command], {
      stdio: ['ignore', file, file, 'pipe'],
    })
    closeSync(file)
    const guard = this.#child.stdio[3] as Socket
    guard.on('error', () => undefined)
    this.#ended = once(this.#child, 'exit').then(() => guard.end('done\n'))
    // A test that forgets its server must not keep the test process alive.
    this.#child.unref()
    guard.unref()
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('The program could not be started')
    return this.#child.pid
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  signal(signal: NodeJS.Signals): void {
    if (this.isRunning) this.#child.kill(signal)
  }

  /** Sends a signal and waits for the end; what does not end in time is killed. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (!this.isRunning) return
    this.#child.ref()
    this.#child.kill(signal)
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 3000)
    await this.#ended
    clearTimeout(timer)
  }
}
