import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const EXECUTABLE = process.env['CHROMIUM'] ?? '/usr/bin/chromium'

/** What a browser does on its own: none of it may reach the network, or a machine without a screen. */
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Tabs of one site share a process, and none is started in advance. Other sites keep their own.
  '--renderer-process-limit=1',
]

/** Names of sites that are strangers to each other, all of them served by this machine. */
const SITES = '--host-resolver-rules=MAP *.test 127.0.0.1'

const isMissing = !existsSync(EXECUTABLE)
const reason = `there is no ${EXECUTABLE}; apt-get install --no-install-recommends chromium, or set CHROMIUM to one`

/** Whether tests in a browser are left out. In CI they never are: there `openBrowser` fails instead. */
export const skipsBrowser: boolean = isMissing && process.env['CI'] !== 'true'
if (skipsBrowser) console.warn(`Skipped the tests in a browser: ${reason}`)

/** Opens a browser. In it, every name that ends with `.test` is this machine. */
export async function openBrowser(): Promise<Browser> {
  if (isMissing) throw new Error(`The tests in a browser cannot run: ${reason}`)
  return chromium.launch({ executablePath: EXECUTABLE, args: [...QUIET, SITES] })
}
