import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { type GoPlace, type GoVersion, programOf } from '../go-driver.ts'

/** Beside the place, what interop/serve.go takes. */
export interface GoSiteOptions {
  /** Milliseconds; 0: until the browser is closed. */
  readonly cookieMaxAge?: number
  readonly noCookie?: boolean
  /** The milliseconds that a save takes longer. */
  readonly saveDelay?: number
}

/** A ghttp server on a free port, in a process of its own. */
export async function serveGo(
  version: GoVersion,
  site: GoPlace & GoSiteOptions,
): Promise<{ readonly port: number; readonly process: ChildProcessWithoutNullStreams }> {
  const process = spawn(programOf(version), ['serve', JSON.stringify({ one: site })])
  process.stderr.resume()
  for await (const line of createInterface(process.stdout)) {
    if (line.startsWith('{')) return { port: JSON.parse(line).one, process }
  }
  throw new Error('The Go server did not start')
}
