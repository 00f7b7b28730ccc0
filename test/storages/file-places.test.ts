import { execFileSync } from 'node:child_process'
import {
  chownSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Manager, newSessionId, StorageFile } from 'gsession'
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest'
import { tempFolder } from '../helpers/temp-folder.ts'
import { IS_ROOT, NOBODY } from '../helpers/without-root.ts'

const HOUR = 3_600_000
const DIST = fileURLToPath(new URL('../../dist/index.js', import.meta.url))
const isLinux = process.platform === 'linux'

/** What may stand where a session file is expected. */
const INTRUDERS: Readonly<Record<string, (path: string) => unknown>> = {
  'a pipe': path => execFileSync('mkfifo', [path]),
  'a socket': path =>
    new Promise<void>(resolve => {
      const server = createServer().listen(path, resolve)
      onTestFinished(() => void server.close())
    }),
  'a folder': path => mkdirSync(path),
  'a link to a file': path => {
    writeFileSync(`${path}.txt`, Buffer.concat([Buffer.alloc(8, 255), Buffer.from('{"a":1}')]))
    symlinkSync(`${path}.txt`, path)
  },
  'a link to a device': path => symlinkSync('/dev/zero', path),
  'a link to nothing': path => symlinkSync('nothing', path),
}

/** Mounts something for one test, or says why not. */
function mount(context: TestContext, path: string, ...args: string[]): void {
  try {
    execFileSync('mount', [...args, path], { stdio: 'pipe' })
  } catch (error) {
    context.skip(`this cannot be mounted here: ${String(error).split('\n').at(-2)}`)
  }
  onTestFinished(() => void execFileSync('umount', [path]))
}

describe.skipIf(!isLinux)('in place of a session file', () => {
  it.each(Object.entries(INTRUDERS))(
    '%s is an error, is left alone, and hangs nothing',
    async (_, put) => {
      const path = tempFolder()
      const storage = new StorageFile({ path })
      const [id, other] = [newSessionId(), newSessionId()]
      await storage.setSession(other, { a: 1 }, HOUR)
      const file = join(path, `${id}.session`)
      await put(file)
      const { ino } = lstatSync(file)
      const data = new Map([['b', '2']])
      const changes = { set: data, removed: new Set<string>() }
      const calls: Readonly<Record<string, () => unknown>> = {
        load: () => storage.load(id, HOUR),
        merge: () => storage.merge(id, changes, HOUR),
        create: () => storage.create(id, data, HOUR),
        rotate: () => storage.rotate(id, newSessionId(), changes, HOUR, false),
        destroy: () => storage.destroy(id),
      }
      for (const [name, call] of Object.entries(calls)) {
        await expect((async () => call())(), name).rejects.toMatchObject({ code: 'ERR_STORAGE' })
      }
      await storage.sweep().catch(() => undefined)
      expect(lstatSync(file).ino).toBe(ino)
      expect(await storage.getSession(other, HOUR)).toEqual({ a: 1 })
      await storage.close()
    },
  )

  it.skipIf(!IS_ROOT)("another user's file is no session", async () => {
    const path = tempFolder()
    const id = newSessionId()
    await new StorageFile({ path }).setSession(id, { a: 1 }, HOUR)
    const file = join(path, `${id}.session`)
    chownSync(file, NOBODY, NOBODY)
    const storage = new StorageFile({ path })
    await expect(storage.getSession(id, HOUR)).rejects.toMatchObject({
      code: 'ERR_STORAGE',
      message: expect.stringContaining('belongs to another user'),
    })
    expect(lstatSync(file).uid).toBe(NOBODY)
  })
})

describe.skipIf(!isLinux)('a disk', () => {
  it('without an inode left lets log out and be swept', async context => {
    const path = tempFolder()
    mount(context, path, '-t', 'tmpfs', '-o', 'size=1m,nr_inodes=12,mode=700', 'gsession')
    let now = Date.now()
    const manager = new Manager({
      storage: new StorageFile({ path, clock: () => now, sweepInterval: '30d' }),
      idAtRest: 'plain',
      clock: () => now,
    })
    const begin = async () => {
      const session = manager.new()
      await session.set('a', 1)
      await session.close()
      return session.id()
    }
    const [ended, expiring] = [await begin(), await begin()]
    const fill = () => {
      for (let n = 0; ; n++) writeFileSync(join(path, `filler-${now}-${n}`), '')
    }
    expect(fill).toThrow('ENOSPC')
    await manager.new(ended).removeAll()
    expect(await manager.new(ended).get('a')).toBeUndefined()
    expect(fill).toThrow('ENOSPC')
    now += 2 * manager.ttl
    await (manager.storage as StorageFile).sweep()
    expect(readdirSync(path)).not.toContain(`${expiring}.session`)
  })

  it('made of layers, with a lock of the image in the lower one, is written to', async context => {
    const base = tempFolder()
    mount(context, base, '-t', 'tmpfs', '-o', 'mode=700', 'gsession')
    const [lower, upper, work, merged] = ['lower', 'upper', 'work', 'merged'].map(name => {
      mkdirSync(join(base, name), 0o700)
      return join(base, name)
    })
    const id = newSessionId()
    const sessions = join(`${lower}`, 'sessions')
    await new StorageFile({ path: sessions }).setSession(id, { a: 1 }, HOUR)
    leaveLock(sessions, id)
    const options = `lowerdir=${lower},upperdir=${upper},workdir=${work}`
    mount(context, `${merged}`, '-t', 'overlay', '-o', options, 'gsession')
    const storage = new StorageFile({ path: join(`${merged}`, 'sessions') })
    await storage.setSession(id, { a: 2 }, HOUR)
    expect(await storage.getSession(id, HOUR)).toEqual({ a: 2 })
  })
})

/** What a process leaves that was killed while it held the lock of a session. */
function leaveLock(sessions: string, id: string): void {
  const program = `
    import { StorageFile } from ${JSON.stringify(DIST)}
    const storage = new StorageFile({ path: ${JSON.stringify(sessions)} })
    const update = { key: 'a', fn: () => process.kill(process.pid, 'SIGKILL') }
    await storage.merge(${JSON.stringify(id)}, { set: new Map(), removed: new Set(), update }, 1000)`
  expect(() => runNode([], program)).toThrow()
  const locks = readdirSync(join(sessions, '.locks'), { recursive: true })
  expect(locks.length).toBeGreaterThan(1)
}

function runNode(args: readonly string[], input: string, env = {}, cwd?: string): string {
  const options = { input, env: { ...process.env, ...env }, stdio: 'pipe', cwd } as const
  return execFileSync(process.execPath, [...args, '--input-type=module', '-'], options).toString()
}

/** Stores, reads, updates, logs out and sweeps, and prints what it read. */
const USE = (path: string): string => `
  import { Manager, StorageFile } from ${JSON.stringify(DIST)}
  const storage = new StorageFile({ path: ${JSON.stringify(path)} })
  const manager = new Manager({ storage })
  const session = manager.new()
  await session.set('a', 1)
  await session.close()
  await session.update('a', n => n + 1)
  const id = await session.id()
  console.log(await manager.new(id).get('a'))
  await storage.sweep()
  await manager.new(id).removeAll()
  console.log(await manager.new(id).get('a'))
  await manager.close()`

describe.skipIf(!isLinux)('a process', () => {
  it("under Node's permission model works in the folder that it may use", () => {
    const path = join(tempFolder(), 'sessions')
    const flag =
      Number(process.versions.node.split('.')[0]) >= 24
        ? '--permission'
        : '--experimental-permission'
    const args = [flag, '--no-warnings', '--allow-fs-read=*', `--allow-fs-write=${path}/*`]
    mkdirSync(path, 0o700)
    expect(runNode(args, USE(path))).toBe('2\nundefined\n')
  })

  it.each(['0177', '0777', '0000'])('with the umask %s keeps sessions', mask => {
    const path = join(tempFolder(), 'sessions')
    const program = `process.umask(0o${mask})\n${USE(path).replace(/import .*\n/, '')}`
    const withImport = `import { Manager, StorageFile } from ${JSON.stringify(DIST)}\n${program}`
    expect(runNode([], withImport)).toBe('2\nundefined\n')
    expect(lstatSync(path).mode & 0o777).toBe(0o700)
    expect(lstatSync(join(path, '.locks')).mode & 0o777).toBe(0o700)
  })

  it('without a working directory is told what to write', () => {
    const folder = tempFolder()
    const cwd = join(folder, 'gone')
    mkdirSync(cwd)
    const program = `
      import { StorageFile } from ${JSON.stringify(DIST)}
      try {
        new StorageFile({ path: 'sessions' })
      } catch (error) {
        console.log(error.code, error.message)
      }`
    writeFileSync(join(folder, 'program.mjs'), program)
    const run = 'rmdir "$PWD" && exec "$0" ../program.mjs'.replace('..', folder)
    const printed = execFileSync('sh', ['-c', run, process.execPath], { cwd }).toString()
    expect(printed).toMatch(/^ERR_(STORAGE|OPTION) .*working directory/)
  })

  it('goes on where a stray file stands beside a lock folder that was removed', async () => {
    const path = tempFolder()
    const storage = new StorageFile({ path })
    const id = newSessionId()
    await storage.setSession(id, { a: 1 }, HOUR)
    for (const name of readdirSync(join(path, '.locks'))) {
      cpSync(join(path, `${id}.session`), join(path, '.locks', 'stray'))
      rmdirSync(join(path, '.locks', name))
    }
    await storage.setSession(id, { a: 2 }, HOUR)
    expect(await new StorageFile({ path }).getSession(id, HOUR)).toEqual({ a: 2 })
  })
})
