import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { ServerKind } from './server-kinds.ts'

type Setting = string | number | readonly string[]

/** Lines of a configuration file; an array gives a directive several times. */
export type Settings = Readonly<Record<string, Setting>>

export interface ServerOptions {
  /** Default: the first kind that this machine has. */
  readonly kind?: ServerKind
  /** The password of the default user. */
  readonly password?: string
  /** Users of the ACL, as in 'app on >secret ~app:* +@all'. */
  readonly users?: readonly string[]
  /** The port of the server that this one copies, and its password if it has one. */
  readonly replicaOf?: { readonly port: number; readonly password?: string | undefined }
  /** As in '2mb'; what goes beyond it is refused, nothing is evicted. */
  readonly maxMemory?: string
  /** Serves TLS only, with the certificate for localhost of test/fixtures. */
  readonly tls?: boolean
  /** Keeps each write on the disk before it answers. */
  readonly isPersistent?: boolean
  readonly config?: Settings
}

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url))

/** The certificate of servers with TLS, which clients are to trust. */
export const serverCertificate: string = readFileSync(fixture('localhost.cert.pem'), 'utf8')

/** The user by which the fixtures look into a server, whatever a test does to the others. */
export const FIXTURE_USER = { user: 'gsession-fixture', password: 'gsession-fixture' } as const
export const FIXTURE_RIGHTS = `${FIXTURE_USER.user} on >${FIXTURE_USER.password} ~* &* +@all`

export function settingsOf(options: ServerOptions): Settings {
  return {
    // Otherwise a replica gets its first copy only after 5 seconds, and nothing fails over before.
    'repl-diskless-sync-delay': 0,
    // A replica counts as one only when its offset has moved, which by itself takes 10 seconds.
    'repl-ping-replica-period': 1,
    'shutdown-timeout': 0,
    'enable-debug-command': 'yes',
    user: [FIXTURE_RIGHTS, ...(options.users ?? [])],
    ...persistence(options.isPersistent === true),
    ...(options.password === undefined ? {} : { requirepass: options.password }),
    ...(options.maxMemory === undefined ? {} : noEviction(options.maxMemory)),
    ...(options.replicaOf === undefined ? {} : replication(options.replicaOf)),
    ...options.config,
  }
}

/** Where a server listens, and its folder. Sentinels have these settings in common with the others. */
export function placeOf(port: number, folder: string, isTls: boolean): Settings {
  const place = { bind: '127.0.0.1', dir: folder }
  if (!isTls) return { ...place, port }
  return {
    ...place,
    port: 0,
    'tls-port': port,
    'tls-cert-file': fixture('localhost.cert.pem'),
    'tls-key-file': fixture('localhost.key.pem'),
    'tls-ca-cert-file': fixture('localhost.cert.pem'),
    'tls-auth-clients': 'no',
  }
}

export function configText(settings: Settings): string {
  const lines = Object.entries(settings).flatMap(([name, setting]) =>
    (Array.isArray(setting) ? setting : [setting]).map(each => `${name} ${each}\n`),
  )
  return lines.join('')
}

function persistence(isPersistent: boolean): Settings {
  return isPersistent
    ? { save: '""', appendonly: 'yes', appendfsync: 'always' }
    : { save: '""', appendonly: 'no' }
}

function noEviction(maxMemory: string): Settings {
  return { maxmemory: maxMemory, 'maxmemory-policy': 'noeviction' }
}

function replication({ port, password }: NonNullable<ServerOptions['replicaOf']>): Settings {
  const replicaof = `127.0.0.1 ${port}`
  return password === undefined ? { replicaof } : { replicaof, masterauth: password }
}
