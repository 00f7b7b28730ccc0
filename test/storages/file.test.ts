import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'
import {
  type Changes,
  decodeData,
  encodeData,
  Manager,
  newSessionId,
  SessionError,
  StorageFile,
  type StorageFileOptions,
} from 'gsession'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { PATIENCE } from '../helpers/patience.ts'
import { tempFolder } from '../helpers/temp-folder.ts'
import { giveToNobody, IS_ROOT, NOBODY, runWithoutRoot } from '../helpers/without-root.ts'
import { filesIn, lockFolder } from './file-names.ts'

const HOUR = 3_600_000
const YEAR = 365 * 24 * HOUR
const ID = 'abcdefghijklmnopqrstuvwxyz_-0123456789'
/** 2024-01-02T03:04:05.678Z, as in GoFrame's own vectors. */
const TIME = 1_704_164_645_678
const HEADER = Buffer.from('2edb20c88c010000', 'hex')
const NO_CHANGES: Changes = { set: new Map(), removed: new Set() }
const DIST = fileURLToPath(new URL('../../dist/index.js', import.meta.url))

interface Opened {
  readonly folder: string
  readonly storage: StorageFile
  readonly manager: Manager
  /** The path of a session's file. */
  path(id?: string): string
  /** Writes a session file that nobody is in the middle of writing. */
  write(json: string | Buffer, id?: string): void
  /** The JSON in a session file. */
  json(id?: string): string
}

/** A storage that shares its files with GoFrame, at GoFrame's time. */
function open(options: StorageFileOptions = {}): Opened {
  const folder = options.path ?? join(tempFolder(), 'sessions')
  const storage = new StorageFile({ clock: () => TIME, ...options, path: folder })
  const manager = new Manager({ storage, idAtRest: 'plain', ttl: HOUR, clock: () => TIME })
  const path = (id = ID): string => join(folder, `${id}.session`)
  const write = (json: string | Buffer, id = ID): void =>
    writeOld(path(id), Buffer.concat([HEADER, Buffer.from(json)]))
  const json = (id = ID): string => readFileSync(path(id)).subarray(8).toString()
  return { folder, storage, manager, path, write, json }
}

function writeOld(path: string, bytes: Buffer): void {
  writeFileSync(path, bytes)
  utimesSync(path, 1, 1)
}

async function failureOf(work: () => unknown): Promise<SessionError> {
  try {
    await work()
  } catch (error) {
    if (error instanceof SessionError) return error
    throw error
  }
  throw new Error('It did not fail')
}

function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8)
}

afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

describe("GoFrame's format", () => {
  it('is written byte for byte: the time, little-endian, then the JSON', async () => {
    const { manager, path } = open()
    const session = manager.new()
    session.setId(ID)
    await session.setMap({ k1: 'v1', n: 1 })
    await session.close()
    const expected = '2edb20c88c0100007b226b31223a227631222c226e223a317d'
    expect(readFileSync(path()).toString('hex')).toBe(expected)
  })

  it('is read', async () => {
    const { manager, path } = open()
    const bytes = Buffer.from('2edb20c88c0100007b226b31223a227631222c226e223a317d', 'hex')
    writeOld(path(), bytes)
    expect(await manager.new(ID).data()).toEqual({ k1: 'v1', n: 1 })
  })

  it('keeps the literal of each number that was not touched', async () => {
    const { manager, write, json } = open()
    write('{"id":1265476890672672808,"price":1.0,"e":1E3,"n":1}')
    const session = manager.new(ID)
    expect(await session.get('id')).toBe(1265476890672672808n)
    await session.set('n', 2)
    await session.close()
    expect(json()).toBe('{"id":1265476890672672808,"price":1.0,"e":1E3,"n":2}')
  })

  it("has GoFrame's escapes read, and none of its own that Go could not read", async () => {
    const { manager, write, json } = open()
    write('{"a":"\\u003cb\\u003e\\u2028é"}')
    const session = manager.new(ID)
    expect(await session.get('a')).toBe('<b>\u2028é')
    await session.set('c', '<&>\n')
    await session.close()
    expect(JSON.parse(json())).toEqual({ a: '<b>\u2028é', c: '<&>\n' })
  })

  it('is what encodeData writes and decodeData reads, big integers included', () => {
    expect(encodeData({ k1: 'v1', n: 1 })).toBe('{"k1":"v1","n":1}')
    expect(encodeData({ big: 9223372036854775807n })).toBe('{"big":9223372036854775807}')
    expect(decodeData('{"big":9223372036854775807,"n":1.0}')).toEqual({
      big: 9223372036854775807n,
      n: 1,
    })
    expect(decodeData('null')).toEqual({})
    expect(() => decodeData('[1]')).toThrow(expect.objectContaining({ code: 'ERR_UNREADABLE' }))
  })

  it('tells nothing of a session older than the ttl, and removes it', async () => {
    const { storage, manager, write, path } = open({ clock: () => TIME + HOUR + 1 })
    write('{"a":1}')
    expect(await storage.getSession(ID, HOUR)).toBeUndefined()
    expect(existsSync(path())).toBe(false)
    write('{"a":1}')
    expect(await manager.new(ID).get('a')).toBeUndefined()
    expect(existsSync(path())).toBe(false)
  })

  it('tells nothing of a file of 8 bytes or fewer', async () => {
    const { storage, path } = open()
    for (let length = 0; length <= 8; length++) {
      writeOld(path(), HEADER.subarray(0, length))
      expect(await storage.getSession(ID, HOUR)).toBeUndefined()
      expect(await storage.merge(ID, NO_CHANGES, HOUR)).toBe(false)
    }
    expect(await storage.create(ID, new Map([['a', '1']]), HOUR)).toBe(true)
    expect(await storage.getSession(ID, HOUR)).toEqual({ a: 1 })
  })

  it('has no session in `null`, and an empty one in `{}`', async () => {
    const { storage, write } = open()
    write('null')
    expect(await storage.getSession(ID, HOUR)).toBeUndefined()
    write('{}')
    expect(await storage.getSession(ID, HOUR)).toEqual({})
  })
})

describe('an unreadable record', () => {
  const UNREADABLE = ['[1]', '"text"', '1', '{"a":', '{"a":1}x', 'garbage', '\ufeff{"a":1}', '\0']

  for (const text of UNREADABLE) {
    it(`is an error, is kept aside, and makes way for a new session: ${JSON.stringify(text)}`, async () => {
      const { manager, write, folder } = open()
      write(text)
      expect(await failureOf(() => manager.new(ID).get('a'))).toMatchObject({
        code: 'ERR_UNREADABLE',
      })
      expect(filesIn(folder)).toEqual([`${ID}.unreadable`])
      const kept = readFileSync(join(folder, `${ID}.unreadable`))
      expect(kept).toEqual(Buffer.concat([HEADER, Buffer.from(text)]))
      const next = manager.new(ID)
      expect(await next.get('a')).toBeUndefined()
      await next.set('a', 1)
      await next.close()
      expect(await next.id()).not.toBe(ID)
    })
  }

  it('fails what would change it, and only once', async () => {
    const { storage, write } = open()
    write('[1]')
    const failure = await failureOf(() => storage.merge(ID, NO_CHANGES, HOUR))
    expect(failure).toMatchObject({ code: 'ERR_UNREADABLE' })
    expect(await storage.merge(ID, NO_CHANGES, HOUR)).toBe(false)
  })

  const HALVES = {
    'no bytes': Buffer.alloc(0),
    'no data': HEADER,
    'half the data': Buffer.concat([HEADER, Buffer.from('{"a":')]),
    'a hole for a header': Buffer.concat([Buffer.alloc(8), Buffer.from('{"a":1}')]),
  }
  for (const [what, half] of Object.entries(HALVES)) {
    it(`is waited for while somebody may be writing it: ${what}`, async () => {
      const { storage, path, folder } = open()
      const whole = Buffer.concat([HEADER, Buffer.from('{"a":1}')])
      writeFileSync(path(), half)
      const reading = storage.getSession(ID, HOUR)
      const changing = storage.merge(ID, { ...NO_CHANGES, set: new Map([['b', '2']]) }, HOUR)
      writeFileSync(path(), whole)
      expect(await reading).toMatchObject({ a: 1 })
      expect(await changing).toBe(true)
      expect(await storage.getSession(ID, HOUR)).toEqual({ a: 1, b: 2 })
      expect(filesIn(folder)).toEqual([`${ID}.session`])
    })
  }
})

describe('a record with the end of a longer one behind it, as two requests of Go may leave it', () => {
  const WITH_REST = ['{"a":1}}', '{"a":1}"b":2}', '{"a":1}{}', '{"a":1,"b":"}\\"{"}{"c":"}"}']

  for (const text of WITH_REST) {
    it(`is the shorter one: ${text}`, async () => {
      const { storage, write, json, folder } = open()
      write(text)
      expect(await storage.getSession(ID, HOUR)).toMatchObject({ a: 1 })
      const set = new Map([['a', '2']])
      expect(await storage.merge(ID, { ...NO_CHANGES, set }, HOUR)).toBe(true)
      expect(JSON.parse(json())).toMatchObject({ a: 2 })
      expect(filesIn(folder)).toEqual([`${ID}.session`])
    })
  }
})

describe('the folder and its files', () => {
  for (const umask of [0o000, 0o077, 0o177, 0o777]) {
    it(`are this user's alone under umask ${umask.toString(8)}`, async () => {
      const parent = join(tempFolder(), 'made')
      const modes = new Set<string>()
      const locks = new Set<string>()
      const before = process.umask(umask)
      try {
        const { folder, storage, path } = open({ path: join(parent, 'sessions') })
        const fn = (): string => {
          for (const name of readdirSync(lockFolder(folder))) {
            locks.add(modeOf(join(lockFolder(folder), name)))
          }
          return '1'
        }
        await storage.create(ID, new Map(), HOUR)
        modes.add(modeOf(path()))
        await storage.merge(ID, { ...NO_CHANGES, update: { key: 'a', fn } }, HOUR)
        modes.add(modeOf(path()))
        const folders = [parent, folder, join(folder, '.locks'), lockFolder(folder)]
        expect(folders.map(modeOf)).toEqual(['700', '700', '700', '700'])
      } finally {
        process.umask(before)
      }
      expect([...modes]).toEqual(['600'])
      // A lock is written by whoever made it, whatever its mode says.
      expect([...locks]).toEqual([umask === 0o777 ? '0' : '600'])
    })
  }

  it('are under XDG_STATE_HOME when nothing is said, apart for each program', () => {
    const home = tempFolder()
    vi.stubEnv('XDG_STATE_HOME', home)
    const { path } = new StorageFile()
    expect(dirname(path)).toBe(join(home, 'gsession'))
    expect(basename(path)).toMatch(new RegExp(`^${basename(process.cwd())}-[0-9a-f]{12}$`))
    expect([modeOf(dirname(path)), modeOf(path)]).toEqual(['700', '700'])
  })

  it('are under ~/.local/state when nothing is said and there is no XDG_STATE_HOME', () => {
    const home = tempFolder()
    vi.stubEnv('XDG_STATE_HOME', '')
    vi.stubEnv('HOME', home)
    const { path } = new StorageFile()
    expect(dirname(path)).toBe(join(home, '.local', 'state', 'gsession'))
    expect(modeOf(path)).toBe('700')
  })

  it('are not under an XDG_STATE_HOME that is relative: the specification has it ignored', () => {
    const home = tempFolder()
    vi.stubEnv('XDG_STATE_HOME', '.state')
    vi.stubEnv('HOME', home)
    onTestFinished(() => rmSync('.state', { recursive: true, force: true }))
    const { path } = new StorageFile()
    expect(dirname(path)).toBe(join(home, '.local', 'state', 'gsession'))
  })

  it('may exist before, and be read by others', () => {
    const folder = tempFolder()
    chmodSync(folder, 0o755)
    expect(new StorageFile({ path: folder }).path).toBe(folder)
    expect(modeOf(folder)).toBe('755')
  })

  function refusal(path: string): SessionError {
    try {
      new StorageFile({ path })
    } catch (error) {
      if (error instanceof SessionError) return error
    }
    throw new Error('The folder was not refused')
  }

  const advice =
    'give StorageFile a `path` that only this user can write. In a mounted volume that is a folder inside ' +
    'it, such as /data/sessions, where the volume lets this user make one'

  it('are refused when a file is in the place of the folder', () => {
    const path = join(tempFolder(), 'sessions')
    writeFileSync(path, 'mine')
    const message = `The session folder ${path} is a link or a file, not a folder; ${advice}`
    expect(refusal(path)).toMatchObject({ code: 'ERR_STORAGE', message })
    expect(readFileSync(path, 'utf8')).toBe('mine')
  })

  it('are refused when a symbolic link is in the place of the folder', () => {
    const parent = tempFolder()
    mkdirSync(join(parent, 'real'), { mode: 0o700 })
    const path = join(parent, 'sessions')
    symlinkSync(join(parent, 'real'), path)
    const message = `The session folder ${path} is a link or a file, not a folder; ${advice}`
    expect(refusal(path)).toMatchObject({ code: 'ERR_STORAGE', message })
  })

  it('are refused when a symbolic link leads nowhere', () => {
    const parent = tempFolder()
    const path = join(parent, 'sessions')
    symlinkSync(join(parent, 'nowhere'), path)
    expect(refusal(path)).toMatchObject({ code: 'ERR_STORAGE' })
    expect(readdirSync(parent)).toEqual(['sessions'])
  })

  for (const mode of [0o770, 0o777, 0o702, 0o1777]) {
    it(`are refused when others can write to the folder: ${mode.toString(8)}`, () => {
      const path = tempFolder()
      chmodSync(path, mode)
      const reason = 'can be written by other users; make it private with chmod 700'
      const message = `The session folder ${path} ${reason}; ${advice}`
      expect(refusal(path)).toMatchObject({ code: 'ERR_STORAGE', message })
    })
  }

  it.skipIf(!IS_ROOT)("are refused when the folder is another user's (needs root)", () => {
    const path = tempFolder()
    chownSync(path, NOBODY, NOBODY)
    const reason = `belongs to another user (${NOBODY}, this is 0)`
    const message = `The session folder ${path} ${reason}; ${advice}`
    expect(refusal(path)).toMatchObject({ code: 'ERR_STORAGE', message })
  })

  /** What a process without root's rights is told. */
  function refusalOfNobody(path: string): unknown {
    return runWithoutRoot(`
      try {
        new gsession.StorageFile({ path: ${JSON.stringify(path)} })
        console.log('{}')
      } catch ({ code, message }) {
        console.log(JSON.stringify({ code, message }))
      }`)
  }

  it('are refused when this user cannot write to the folder', () => {
    const parent = tempFolder()
    chmodSync(parent, 0o755)
    const path = join(parent, 'sessions')
    mkdirSync(path)
    giveToNobody(path)
    chmodSync(path, 0o500)
    const message = `The session folder ${path} cannot be used (EACCES); ${advice}`
    expect(refusalOfNobody(path)).toEqual({ code: 'ERR_STORAGE', message })
    chmodSync(path, 0o700)
    expect(refusalOfNobody(path)).toEqual({})
  })

  it('are refused when the folder cannot be made', () => {
    const parent = tempFolder()
    chmodSync(parent, 0o555)
    const path = join(parent, 'sessions')
    const message = `The session folder ${path} cannot be used (EACCES); ${advice}`
    expect(refusalOfNobody(path)).toEqual({ code: 'ERR_STORAGE', message })
  })
})

describe.skipIf(process.platform !== 'linux')('a folder that no system call can make', () => {
  // Where it never ends, nothing but another process can tell.
  for (const path of ['/proc/x', '/proc/x/y/z', '/proc/self/x']) {
    it(`is refused at once: ${path}`, () => {
      const program = `
        import { StorageFile } from ${JSON.stringify(DIST)}
        try {
          new StorageFile({ path: ${JSON.stringify(path)} })
        } catch ({ code, message }) {
          console.log(JSON.stringify({ code, message }))
        }`
      const flags = ['--input-type=module', '-e', program]
      const output = execFileSync(process.execPath, flags, {
        timeout: PATIENCE,
        killSignal: 'SIGKILL',
      })
      const begin = `The session folder ${path} cannot be used (ENOENT); give StorageFile a \`path\` `
      expect(JSON.parse(output.toString())).toEqual({
        code: 'ERR_STORAGE',
        message: expect.stringContaining(begin),
      })
    })
  }
})

describe('a folder that is gone while it is used', () => {
  const CALLS: Readonly<Record<string, (storage: StorageFile) => unknown>> = {
    load: storage => storage.load(ID, HOUR),
    getSession: storage => storage.getSession(ID, HOUR),
    create: storage => storage.create(newSessionId(), new Map(), HOUR),
    merge: storage => storage.merge(ID, NO_CHANGES, HOUR),
    setSession: storage => storage.setSession(ID, {}, HOUR),
    rotate: storage => storage.rotate(ID, newSessionId(), NO_CHANGES, HOUR, false),
    refresh: storage => storage.refresh(new Map([[ID, TIME]]), HOUR),
    destroy: storage => storage.destroy(ID),
    sweep: storage => storage.sweep(),
  }

  for (const [name, call] of Object.entries(CALLS)) {
    it(`fails, and is never "no session": ${name}`, async () => {
      const { storage, folder } = open()
      await storage.setSession(ID, { a: 1 }, HOUR)
      rmSync(folder, { recursive: true })
      expect(await failureOf(() => call(storage))).toMatchObject({ code: 'ERR_STORAGE' })
      expect(existsSync(folder)).toBe(false)
    })

    it(`fails when a file is in its place: ${name}`, async () => {
      const { storage, folder } = open()
      await storage.setSession(ID, { a: 1 }, HOUR)
      rmSync(folder, { recursive: true })
      writeFileSync(folder, '')
      expect(await failureOf(() => call(storage))).toMatchObject({ code: 'ERR_STORAGE' })
    })
  }

  it('fails for a storage that was not used yet, too', async () => {
    for (const name of ['load', 'create', 'merge', 'destroy']) {
      const { storage, folder } = open()
      rmSync(folder, { recursive: true })
      expect(await failureOf(() => CALLS[name]?.(storage))).toMatchObject({ code: 'ERR_STORAGE' })
    }
  })

  it('works again when it is back', async () => {
    const { storage, folder } = open()
    await storage.setSession(ID, { a: 1 }, HOUR)
    const elsewhere = join(tempFolder(), 'moved')
    renameSync(folder, elsewhere)
    expect(await failureOf(() => storage.getSession(ID, HOUR))).toMatchObject({
      message: 'The session folder is gone: it was removed or unmounted while it was in use',
    })
    renameSync(elsewhere, folder)
    expect(await storage.getSession(ID, HOUR)).toEqual({ a: 1 })
    expect(await storage.merge(ID, NO_CHANGES, HOUR)).toBe(true)
  })

  it('works, empty, when somebody made it anew', async () => {
    const { storage, folder } = open()
    await storage.setSession(ID, { a: 1 }, HOUR)
    rmSync(folder, { recursive: true })
    mkdirSync(folder, { mode: 0o700 })
    expect(await storage.getSession(ID, HOUR)).toBeUndefined()
    expect(await storage.create(ID, new Map([['b', '2']]), HOUR)).toBe(true)
    expect(await storage.getSession(ID, HOUR)).toEqual({ b: 2 })
  })

  it('fails when its disk is unmounted, and works when it is mounted again', async context => {
    const path = tempFolder()
    const disk = tempFolder()
    const mount = (...how: string[]): unknown => execFileSync('mount', how, { stdio: 'pipe' })
    try {
      mount('-t', 'tmpfs', '-o', 'size=256k,mode=700', 'gsession', disk)
    } catch {
      return context.skip('a disk cannot be mounted here')
    }
    onTestFinished(() => void execFileSync('umount', [disk]))
    mount('--bind', disk, path)
    const storage = new StorageFile({ path })
    await storage.setSession(ID, { a: 1 }, HOUR)
    execFileSync('umount', [path])
    for (const call of Object.values(CALLS).slice(0, -1)) {
      expect(await failureOf(() => call(storage))).toMatchObject({ code: 'ERR_STORAGE' })
    }
    expect(readdirSync(path)).toEqual([])
    mount('--bind', disk, path)
    onTestFinished(() => void execFileSync('umount', [path]))
    expect(await storage.getSession(ID, HOUR)).toEqual({ a: 1 })
  })
})

describe('what is not a session file', () => {
  it('is not followed when it is a symbolic link', async () => {
    const { storage, manager, path } = open()
    const target = join(tempFolder(), 'target')
    const bytes = Buffer.concat([HEADER, Buffer.from('{"user":"admin"}')])
    writeOld(target, bytes)
    symlinkSync(target, path())
    for (const work of [
      () => manager.new(ID).get('user'),
      () => storage.getSession(ID, HOUR),
      () => storage.create(ID, new Map(), HOUR),
      () => storage.merge(ID, NO_CHANGES, HOUR),
      () => storage.setSession(ID, { a: 1 }, HOUR),
      () => storage.updateTTL(ID, HOUR),
      () => storage.rotate(ID, newSessionId(), NO_CHANGES, HOUR, false),
    ]) {
      expect(await failureOf(work)).toMatchObject({ code: 'ERR_STORAGE' })
    }
    await storage.removeAll(ID).catch(() => undefined)
    await storage.sweep().catch(() => undefined)
    expect(readFileSync(target)).toEqual(bytes)
    expect(statSync(target).mtimeMs).toBe(1000)
  })

  it('is not removed when it is a folder', async () => {
    const { storage, path } = open({ clock: () => TIME + YEAR })
    mkdirSync(join(path(), 'inner'), { recursive: true })
    utimesSync(path(), 1, 1)
    expect(await failureOf(() => storage.getSession(ID, HOUR))).toMatchObject({
      code: 'ERR_STORAGE',
    })
    expect(await failureOf(() => storage.removeAll(ID))).toMatchObject({ code: 'ERR_STORAGE' })
    expect(await storage.sweep()).toBe(0)
    expect(readdirSync(path())).toEqual(['inner'])
  })
})

describe('ids of another shape', () => {
  const WRONG: readonly unknown[] = [
    '',
    '.',
    '..',
    '../x',
    '../../x',
    '/',
    '/etc/passwd',
    'a/b',
    'a\\b',
    'a\0',
    '\0',
    `${ID}\0.txt`,
    '%2e%2e%2fx',
    'a.b',
    ' ',
    `${ID} `,
    `${ID}\n`,
    'é',
    '🔑',
    '\u202e',
    'a:b',
    'a*',
    '{a}',
    'x'.repeat(129),
    'x'.repeat(10_000),
    ['x'],
    [ID],
    { toString: () => ID },
    7,
    null,
    true,
  ]

  for (const id of WRONG) {
    const name = typeof id === 'string' && id.length > 128 ? `${id.length} times x` : inspect(id)
    it(`never reach the disk: ${name}`, async () => {
      const { manager, folder } = open()
      const parent = dirname(folder)
      const given = id as string
      expect(await manager.new(given).data()).toEqual({})
      await manager.new(given).removeAll()
      await manager.new(given).regenerateId()
      await manager.new(given).remove('a')
      if (id !== '') expect(() => manager.new().setId(given)).toThrow(SessionError)
      expect([filesIn(folder), readdirSync(parent)]).toEqual([[], [basename(folder)]])

      const session = manager.new(given)
      await session.set('a', 1)
      await session.close()
      const made = await session.id()
      expect(made).toMatch(/^[\w-]{43}$/)
      expect([filesIn(folder), readdirSync(parent)]).toEqual([
        [`${made}.session`],
        [basename(folder)],
      ])
    })

    it(`are refused by the storage: ${name}`, async () => {
      const { storage, folder } = open()
      const given = id as string
      for (const call of [
        () => storage.getSession(given, HOUR),
        () => storage.setSession(given, {}, HOUR),
        () => storage.updateTTL(given, HOUR),
        () => storage.removeAll(given),
        () => storage.create(given, new Map(), HOUR),
        () => storage.load(given, HOUR),
        () => storage.merge(given, NO_CHANGES, HOUR),
        () => storage.rotate(given, newSessionId(), NO_CHANGES, HOUR, false),
        () => storage.rotate(ID, given, NO_CHANGES, HOUR, false),
        () => storage.refresh(new Map([[given, TIME]]), HOUR),
        () => storage.destroy(given),
      ]) {
        expect(await failureOf(call)).toMatchObject({ code: 'ERR_ID' })
      }
      expect(filesIn(folder)).toEqual([])
    })
  }
})

describe('an error', () => {
  /** All that a log could show of an error: every field, its cause, their stacks. */
  function everythingOf(error: unknown): string {
    let text = ''
    for (let current = error; current instanceof Error; current = current.cause) {
      text += inspect(current, { depth: 10, showHidden: true }) + JSON.stringify(current)
      text += JSON.stringify(Object.getOwnPropertyDescriptors(current))
    }
    return text
  }

  const CAUSES: Readonly<Record<string, (opened: Opened) => void>> = {
    'an unreadable record': ({ write }) => write('[1]'),
    'a symbolic link': ({ path, folder }) => symlinkSync(folder, path()),
    'a folder in the place of a file': ({ path }) => mkdirSync(path()),
    'a folder in the place of a lock': ({ folder }) =>
      mkdirSync(join(lockFolder(folder), `${ID}.lock`)),
    'a folder that is gone': ({ folder }) => rmSync(folder, { recursive: true }),
    'a file in the place of the folder': ({ folder }) => {
      rmSync(folder, { recursive: true })
      writeFileSync(folder, '')
    },
    'a closed storage': ({ storage }) => void storage.close(),
  }

  for (const [name, cause] of Object.entries(CAUSES)) {
    it(`tells neither an id nor a path: ${name}`, async () => {
      const opened = open()
      const { storage, manager, folder } = opened
      await storage.setSession(ID, { a: 1 }, HOUR)
      rmSync(opened.path())
      cause(opened)
      const calls = [
        async () => manager.new(ID).get('a'),
        async () => manager.new(ID).update('a', () => 1),
        async () => manager.new(ID).removeAll(),
        async () => manager.new(ID).regenerateId(),
        async () => storage.create(ID, new Map(), HOUR),
        async () => storage.refresh(new Map([[ID, TIME + 10]]), HOUR),
        async () => storage.sweep(),
      ]
      const outcomes = await Promise.allSettled(calls.map(call => call()))
      const failures = outcomes.filter(outcome => outcome.status === 'rejected')
      expect(failures.length).toBeGreaterThan(0)
      for (const { reason } of failures) {
        expect(reason).toBeInstanceOf(SessionError)
        expect(everythingOf(reason)).not.toContain(ID)
        expect(everythingOf(reason)).not.toContain(folder)
      }
    })
  }

  it("is the application's own when its update threw it, code and all", async () => {
    const { storage } = open()
    await storage.create(ID, new Map(), HOUR)
    const failure = Object.assign(new Error('No seats left'), { code: 'FULL' })
    const fn = (): string => {
      throw failure
    }
    const merging = storage.merge(ID, { ...NO_CHANGES, update: { key: 'a', fn } }, HOUR)
    await expect(merging).rejects.toBe(failure)
  })

  it('is what every use of a closed storage ends in', async () => {
    const { storage, folder } = open()
    await storage.setSession(ID, { a: 1 }, HOUR)
    await storage.close()
    for (const call of [
      () => storage.getSession(ID, HOUR),
      () => storage.setSession(ID, {}, HOUR),
      () => storage.updateTTL(ID, HOUR),
      () => storage.removeAll(ID),
      () => storage.create(ID, new Map(), HOUR),
      () => storage.load(ID, HOUR),
      () => storage.merge(ID, NO_CHANGES, HOUR),
      () => storage.rotate(ID, newSessionId(), NO_CHANGES, HOUR, false),
      () => storage.refresh(new Map([[ID, TIME]]), HOUR),
      () => storage.destroy(ID),
    ]) {
      expect(await failureOf(call)).toMatchObject({ code: 'ERR_CLOSED' })
    }
    expect(filesIn(folder)).toEqual([`${ID}.session`])
    await storage.close()
  })

  it('is never thrown by a method that answers with a promise', async () => {
    const { storage, write } = open()
    write('[1]')
    const calls = (id: string): unknown[] => [
      storage.getSession(id, HOUR),
      storage.setSession(id, {}, HOUR),
      storage.updateTTL(id, HOUR),
      storage.removeAll(id),
      storage.create(id, new Map(), HOUR),
      storage.load(id, HOUR),
      storage.merge(id, NO_CHANGES, HOUR),
      storage.rotate(id, newSessionId(), NO_CHANGES, HOUR, false),
      storage.refresh(new Map([[id, TIME]]), HOUR),
      storage.destroy(id),
    ]
    const codesOf = async (answers: unknown[]): Promise<Set<unknown>> => {
      const settled = await Promise.allSettled(answers)
      return new Set(settled.map(one => (one.status === 'rejected' ? one.reason.code : one.value)))
    }
    expect(await codesOf(calls('../x'))).toEqual(new Set(['ERR_ID']))
    await storage.close()
    expect(await codesOf(calls(ID))).toEqual(new Set(['ERR_CLOSED']))
  })

  it('says which option was given a value that it does not take', () => {
    const path = tempFolder()
    for (const options of [
      { durability: 'disk' },
      { maxCached: 0 },
      { maxCached: 1.5 },
      { sweepInterval: '1x' },
      { encryption: {} },
      { encryption: { insecureGoFrame: false } },
      { path: '' },
      { path: 'a\0b' },
      { path: 7 },
      { path: 'file:///var/lib/sessions' },
      { folder: path },
    ]) {
      const [option = ''] = Object.keys(options)
      const open = (): StorageFile => new StorageFile({ path, ...(options as StorageFileOptions) })
      expect(open).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }))
      expect(open).toThrow(option)
    }
  })
})

describe('a rotation', () => {
  it('takes no id that is its own', async () => {
    const { storage } = open()
    await storage.setSession(ID, { a: 1 }, HOUR)
    expect(await storage.rotate(ID, ID, NO_CHANGES, HOUR, false)).toBe('taken')
    expect(await storage.getSession(ID, HOUR)).toEqual({ a: 1 })
  })

  it('waits for no other rotation that goes the opposite way', async () => {
    const { storage } = open()
    await storage.setSession('one', { a: 1 }, HOUR)
    await storage.setSession('two', { a: 2 }, HOUR)
    const rotations = await Promise.all([
      storage.rotate('one', 'two', NO_CHANGES, HOUR, false),
      storage.rotate('two', 'one', NO_CHANGES, HOUR, false),
    ])
    expect(rotations).toEqual(['taken', 'taken'])
  })
})

describe('the files of a storage', () => {
  it('differ from those before them, however fast they follow each other', async () => {
    const path = tempFolder()
    const [one, other] = [open({ path }).storage, open({ path }).storage]
    vi.spyOn(Date, 'now').mockReturnValue(TIME)
    vi.spyOn(Math, 'random').mockReturnValue(0)
    await one.setSession(ID, { n: 1000 }, HOUR)
    for (let n = 1001; n < 2000; n += 2) {
      for (const next of [n, n + 1]) await other.setSession(ID, { n: next }, HOUR)
      expect(await one.getSession(ID, HOUR)).toEqual({ n: n + 1 })
    }
  })

  it('are the sessions alone once nothing is under way', async () => {
    const { storage, manager, folder } = open()
    const session = manager.new()
    await session.update('n', (n = 0) => Number(n) + 1)
    const old = await session.id()
    const id = await session.regenerateId()
    await manager.new(old).data()
    await storage.updateTTL(id, HOUR)
    expect(filesIn(folder)).toEqual([`${id}.session`])
    expect(lstatSync(join(folder, `${id}.session`)).isFile()).toBe(true)
    await session.removeAll()
    expect(filesIn(folder)).toEqual([])
  })

  it('are named by the SHA-256 of the id unless the id is to be plain', async () => {
    const folder = tempFolder()
    const manager = new Manager({ storage: new StorageFile({ path: folder }) })
    const session = manager.new()
    await session.set('a', 1)
    await session.close()
    expect(filesIn(folder)).toEqual([expect.stringMatching(/^[0-9a-f]{64}\.session$/)])
    expect(filesIn(folder).join()).not.toContain(await session.id())
    await manager.close()
  })
})
