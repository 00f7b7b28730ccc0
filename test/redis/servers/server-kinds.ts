import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { NotHere } from '../../helpers/not-here.ts'

const VARIABLES = { redis: 'REDIS_SERVER', valkey: 'VALKEY_SERVER' } as const

export type ServerKind = keyof typeof VARIABLES

/** The path of the server of a kind. */
const programs = findPrograms()

/** The kinds of server that this machine has: both in CI. */
export const SERVER_KINDS: readonly ServerKind[] = [...programs.keys()]

export function programOf(kind: ServerKind): string {
  const program = programs.get(kind)
  if (program === undefined) throw new NotHere(`This machine has no ${kind}-server`)
  return program
}

/** Whether servers of this kind know SET with IFEQ: Valkey from 8.1, and Redis from 8.4 on. */
export function comparesAndSets(kind: ServerKind): boolean {
  const { stdout } = spawnSync(programOf(kind), ['--version'], { encoding: 'utf8' })
  const version = Number(/ v=(\d+\.\d+)/.exec(stdout)?.[1])
  return version >= (kind === 'valkey' ? 8.1 : 8.4)
}

function findPrograms(): Map<ServerKind, string> {
  const { redis, valkey } = VARIABLES
  const isTold = process.env[redis] !== undefined || process.env[valkey] !== undefined
  const paths = isTold ? process.env : askScript()
  const programs = new Map<ServerKind, string>()
  for (const kind of ['redis', 'valkey'] as const) {
    const path = paths[VARIABLES[kind]]
    if (path !== undefined) programs.set(kind, path)
  }
  return programs
}

/** npm test has asked already; whoever starts vitest without it has not. */
function askScript(): Readonly<Record<string, string | undefined>> {
  const script = fileURLToPath(new URL('../../../scripts/redis.mjs', import.meta.url))
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr.trim())
  return JSON.parse(stdout)
}
