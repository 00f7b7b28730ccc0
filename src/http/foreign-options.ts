import { SessionError } from '../core/errors.ts'
import { type Advice, adviceOn } from '../core/options.ts'

const IDS_ARE_RANDOM = 'leave it out: ids are random, and nothing is signed'
const SLIDES =
  'leave it out: a session lives on while it is used, and the cookie is renewed by itself'
const MANAGER_STORES = 'write `storage` of the Manager: new Manager({ storage })'
const MANAGER_COUNTS =
  'write `ttl` of the Manager: new Manager({ ttl }). `cookie: { maxAge }` is for a cookie that ends at another time'
const IN_COOKIE = 'write it inside of `cookie`: cookie: { ... }'
const MADE_BY_SESSION = 'write session.setIdFunc(fn) in a middleware after this one'
const NAME = 'write `name`'

/** What to write in place of the options of other packages. */
export const FOREIGN_OPTIONS: Advice = {
  secret: IDS_ARE_RANDOM,
  secrets: IDS_ARE_RANDOM,
  keys: IDS_ARE_RANDOM,
  signed: IDS_ARE_RANDOM,
  password:
    'leave it out: the cookie holds a random id alone. `encryption` of StorageFile encrypts at rest',
  encryptionKey:
    'leave it out: the cookie holds a random id alone. `encryption` of StorageFile encrypts at rest',
  store: MANAGER_STORES,
  storage: MANAGER_STORES,
  prefix: 'write it for the storage: new StorageRedis({ client, prefix })',
  resave: 'leave it out: what was not changed is not written',
  saveUninitialized: 'leave it out: a session begins with the first value that is set',
  autoCommit: 'leave it out: what was changed is saved before the response leaves',
  rolling: SLIDES,
  renew: SLIDES,
  ttl: MANAGER_COUNTS,
  maxAge: MANAGER_COUNTS,
  expires: MANAGER_COUNTS,
  expiration: MANAGER_COUNTS,
  expireAfterSeconds: MANAGER_COUNTS,
  idAtRest: 'write it for the Manager: new Manager({ idAtRest })',
  cookieName: NAME,
  sessionCookieName: NAME,
  key: NAME,
  sessionName: 'write `name` for the cookie, `property` for the place on the request',
  requestKey: 'write `property`',
  cookieOptions: 'write `cookie`',
  headerName: 'write `header`',
  proxy: 'write `trustProxy`',
  unset: 'leave it out: call session.removeAll() where somebody logs out',
  genid: MADE_BY_SESSION,
  idGenerator: MADE_BY_SESSION,
  generateId: MADE_BY_SESSION,
  path: IN_COOKIE,
  domain: IN_COOKIE,
  secure: IN_COOKIE,
  httpOnly: IN_COOKIE,
  sameSite: IN_COOKIE,
  partitioned: IN_COOKIE,
  priority: IN_COOKIE,
  manager: 'the Manager is the first argument: session(manager, options)',
}

/** The same for what others have among the attributes of their cookie. */
export const FOREIGN_ATTRIBUTES: Advice = {
  name: 'write `name` beside `cookie`',
  expires: 'write `maxAge`',
  ttl: 'write `maxAge`',
  signed: IDS_ARE_RANDOM,
  overwrite: 'leave it out: the cookie is set once in a response',
  originalMaxAge: 'write `maxAge`',
  sameSitePolicy: 'write `sameSite`',
}

/**
 * Refuses what an adapter is made of when it is not a manager and an object of options. A manager is
 * known by what it can do: there may be two copies of this package.
 *
 * @param call - how it is written
 */
export function checkArguments(
  manager: unknown,
  options: unknown,
  call = 'session(manager, options)',
): void {
  if (!isManager(manager)) refuse('manager', 'a Manager', manager, call)
  if (!isObject(options) || Array.isArray(options)) refuse('options', 'an object', options, call)
}

function isManager(value: unknown): boolean {
  return isObject(value) && typeof value['open'] === 'function' && 'storage' in value
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** Says nothing of what came but its kind: it may hold a secret. */
function refuse(name: string, expected: string, got: unknown, call: string): never {
  const kind = got === null || got === undefined ? String(got) : `a value of type ${typeof got}`
  refuseCall(`Expected \`${name}\` to be ${expected}, got ${kind}`, call, got)
}

/** @param got - what stands where it does not belong: options of another package, perhaps */
export function refuseCall(reason: string, call: string, got: unknown): never {
  const names = isObject(got) ? Object.keys(got) : []
  const foreign = names.find(name => adviceOn(name, FOREIGN_OPTIONS) !== undefined)
  const advice = foreign && `. \`${foreign}\`: ${adviceOn(foreign, FOREIGN_OPTIONS)}`
  throw new SessionError('ERR_OPTION', `${reason}: write ${call}${advice ?? ''}`)
}
