import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const PROGRAM = fileURLToPath(new URL('file-worker.mjs', import.meta.url))
const DIST = fileURLToPath(new URL('../../dist/index.js', import.meta.url))

interface Answer {
  readonly number: number
  readonly result?: unknown
  readonly failure?: string
}

/** What a worker answers when it died before it could. */
export const DIED = 'died'

/** Another process that uses the same session folder. Killed when the test is done. */
export class FileWorker {
  readonly process: ChildProcess
  readonly #waiting = new Map<number, (answer: Answer) => void>()
  #calls = 0

  private constructor(process: ChildProcess) {
    this.process = process
    process.on('message', (answer: Answer) => this.#waiting.get(answer.number)?.(answer))
    process.once('close', () => {
      for (const [number, settle] of this.#waiting) settle({ number, failure: DIED })
    })
  }

  /** Starts a process, and waits until it is ready. */
  static async start(path: string): Promise<FileWorker> {
    if (!existsSync(DIST)) throw new Error('dist is missing: run npm run build first')
    const child = fork(PROGRAM, [JSON.stringify({ path })], {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    await once(child, 'message')
    return new FileWorker(child)
  }

  static startMany(count: number, path: string): Promise<FileWorker[]> {
    return Promise.all(Array.from({ length: count }, () => FileWorker.start(path)))
  }

  /** Runs one of the commands in file-worker.mjs. Rejects with the code of what went wrong. */
  async call(command: string, ...args: readonly unknown[]): Promise<unknown> {
    const number = this.#calls++
    const answer = await new Promise<Answer>(resolve => {
      this.#waiting.set(number, resolve)
      this.process.send({ number, command, args })
    })
    this.#waiting.delete(number)
    if (answer.failure !== undefined) throw new Error(answer.failure)
    return answer.result
  }

  /** Ends the process at once, as `kill -9` does. */
  async kill(): Promise<void> {
    const closed = once(this.process, 'close')
    this.process.kill('SIGKILL')
    await closed
  }
}
