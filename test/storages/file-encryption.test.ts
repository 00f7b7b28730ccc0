import { createDecipheriv, randomBytes } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  readFileSync,
  renameSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Manager, StorageFile, type StorageFileOptions } from 'gsession'
import { describe, expect, it } from 'vitest'
import { tempFolder } from '../helpers/temp-folder.ts'
import { filesIn } from './file-names.ts'

const HOUR = 3_600_000
const ID = 'the-session'
const TIME = 1_704_164_645_678
const HEADER = Buffer.from('2edb20c88c010000', 'hex')
const DATA = { user: 'john', roles: ['reader'], big: 1265476890672672808n }
const UNREADABLE = { code: 'ERR_UNREADABLE' }

interface Opened {
  readonly folder: string
  readonly storage: StorageFile
  path(id?: string): string
}

function open(encryption: StorageFileOptions['encryption'], folder = tempFolder()): Opened {
  const options = { path: folder, clock: () => TIME, maxCached: 1 }
  const storage = new StorageFile(encryption === undefined ? options : { ...options, encryption })
  return { folder, storage, path: (id = ID) => join(folder, `${id}.session`) }
}

/** Writes a file that nobody is in the middle of writing. */
function writeOld(path: string, bytes: Buffer): void {
  writeFileSync(path, bytes)
  utimesSync(path, 1, 1)
}

describe('an encrypted session', () => {
  it('is read again, by another process too', async () => {
    const keys = [randomBytes(32)]
    const { storage, folder } = open({ keys })
    await storage.setSession(ID, DATA, HOUR)
    expect(await storage.getSession(ID, HOUR)).toEqual(DATA)
    expect(await open({ keys }, folder).storage.getSession(ID, HOUR)).toEqual(DATA)
  })

  it('shows nothing but its time', async () => {
    const { storage, path } = open({ keys: [randomBytes(32)] })
    await storage.setSession(ID, DATA, HOUR)
    const bytes = readFileSync(path())
    expect(bytes.subarray(0, 8)).toEqual(HEADER)
    expect(bytes.toString('latin1')).not.toMatch(/john|user|reader|1265476890672672808/)
  })

  it('is AES-256-GCM: time, nonce, ciphertext, tag; time and id authenticated', async () => {
    const key = randomBytes(32)
    const { storage, path } = open({ keys: [key] })
    await storage.setSession(ID, { k1: 'v1' }, HOUR)
    const bytes = readFileSync(path())
    expect(bytes).toHaveLength(8 + 12 + '{"k1":"v1"}'.length + 16)
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(8, 20))
    decipher.setAAD(Buffer.concat([bytes.subarray(0, 8), Buffer.from(ID)]))
    decipher.setAuthTag(bytes.subarray(-16))
    const plain =
      decipher.update(bytes.subarray(20, -16), undefined, 'utf8') + decipher.final('utf8')
    expect(plain).toBe('{"k1":"v1"}')
  })

  it('is different bytes each time the same is stored', async () => {
    const { storage, path } = open({ keys: [randomBytes(32)] })
    const seen = new Set<string>()
    const nonces = new Set<string>()
    for (let n = 0; n < 100; n++) {
      await storage.setSession(ID, DATA, HOUR)
      const bytes = readFileSync(path())
      seen.add(bytes.toString('hex'))
      nonces.add(bytes.subarray(8, 20).toString('hex'))
    }
    expect([seen.size, nonces.size]).toEqual([100, 100])
  })

  it('is refused, and kept aside, whichever bit is flipped', async () => {
    const keys = [randomBytes(32)]
    const { storage, path, folder } = open({ keys })
    await storage.setSession(ID, { k1: 'v1' }, HOUR)
    const bytes = readFileSync(path())
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes)
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      writeOld(path(), flipped)
      await expect(storage.getSession(ID, HOUR), `bit ${bit}`).rejects.toMatchObject(UNREADABLE)
      expect(readFileSync(join(folder, `${ID}.unreadable`))).toEqual(flipped)
      expect(existsSync(path())).toBe(false)
    }
    writeOld(path(), bytes)
    expect(await storage.getSession(ID, HOUR)).toEqual({ k1: 'v1' })
  })

  it('is refused under the id of another', async () => {
    const { storage, path } = open({ keys: [randomBytes(32)] })
    await storage.setSession('admin', { role: 'admin' }, HOUR)
    await storage.setSession('guest', { role: 'guest' }, HOUR)
    copyFileSync(path('admin'), path('guest'))
    utimesSync(path('guest'), 1, 1)
    await expect(storage.getSession('guest', HOUR)).rejects.toMatchObject(UNREADABLE)
    expect(await storage.getSession('guest', HOUR)).toBeUndefined()
    expect(await storage.getSession('admin', HOUR)).toEqual({ role: 'admin' })
  })

  it('is refused when its time was edited, to live longer', async () => {
    const { storage, path } = open({ keys: [randomBytes(32)] })
    await storage.setSession(ID, DATA, HOUR)
    const bytes = readFileSync(path())
    bytes.writeBigInt64LE(BigInt(TIME + HOUR))
    writeOld(path(), bytes)
    await expect(storage.getSession(ID, HOUR)).rejects.toMatchObject(UNREADABLE)
  })

  it('is refused when it is not encrypted at all', async () => {
    const { storage, path } = open({ keys: [randomBytes(32)] })
    writeOld(path(), Buffer.concat([HEADER, Buffer.from('{"role":"admin","padding":"xxxxxxxx"}')]))
    await expect(storage.getSession(ID, HOUR)).rejects.toMatchObject(UNREADABLE)
  })

  it('is no plain session', async () => {
    const { storage, folder, path } = open({ keys: [randomBytes(32)] })
    await storage.setSession(ID, DATA, HOUR)
    utimesSync(path(), 1, 1)
    const plain = open(undefined, folder).storage
    await expect(plain.getSession(ID, HOUR)).rejects.toMatchObject(UNREADABLE)
  })
})

describe('a key', () => {
  it('that was replaced still decrypts, and the first one encrypts', async () => {
    const [older, newer] = [randomBytes(32), randomBytes(32)]
    const folder = tempFolder()
    const before = open({ keys: [older] }, folder).storage
    await before.setSession('one', { n: 1 }, HOUR)
    await before.setSession('two', { n: 2 }, HOUR)
    const both = open({ keys: [newer, older] }, folder)
    expect(await both.storage.getSession('one', HOUR)).toEqual({ n: 1 })
    const changes = { set: new Map([['n', '3']]), removed: new Set<string>() }
    expect(await both.storage.merge('one', changes, HOUR)).toBe(true)

    const after = open({ keys: [newer] }, folder).storage
    expect(await after.getSession('one', HOUR)).toEqual({ n: 3 })
    utimesSync(both.path('two'), 1, 1)
    await expect(after.getSession('two', HOUR)).rejects.toMatchObject(UNREADABLE)
    // The bytes were kept aside: with the key, and under its name, the session is there again.
    renameSync(join(folder, 'two.unreadable'), both.path('two'))
    expect(await both.storage.getSession('two', HOUR)).toEqual({ n: 2 })
  })

  it('that is wrong makes a session unreadable once, and nobody is logged in by it', async () => {
    const { storage, folder, path } = open({ keys: [randomBytes(32)] })
    await storage.setSession(ID, DATA, HOUR)
    utimesSync(path(), 1, 1)
    const bytes = readFileSync(path())
    const wrong = open({ keys: [randomBytes(32)] }, folder).storage
    const manager = new Manager({ storage: wrong, idAtRest: 'plain', clock: () => TIME })
    await expect(manager.new(ID).get('user')).rejects.toMatchObject(UNREADABLE)
    expect(filesIn(folder)).toEqual([`${ID}.unreadable`])
    expect(readFileSync(join(folder, `${ID}.unreadable`))).toEqual(bytes)
    expect(await manager.new(ID).data()).toEqual({})
  })

  it('may be bytes or their text, in hexadecimal or base64', async () => {
    const key = randomBytes(32)
    const folder = tempFolder()
    await open({ keys: [key] }, folder).storage.setSession(ID, DATA, HOUR)
    for (const text of ['hex', 'base64', 'base64url'] as const) {
      const { storage } = open({ keys: [key.toString(text)] }, folder)
      expect(await storage.getSession(ID, HOUR), text).toEqual(DATA)
    }
    const { storage } = open({ keys: [new Uint8Array(key)] }, folder)
    expect(await storage.getSession(ID, HOUR)).toEqual(DATA)
  })

  it('is 32 bytes, and there is one', () => {
    const refused = expect.objectContaining({ code: 'ERR_OPTION' })
    for (const length of [0, 1, 16, 24, 31, 33, 64]) {
      const key = randomBytes(length)
      for (const given of [key, key.toString('hex'), key.toString('base64')]) {
        expect(() => open({ keys: [given] }), `${length} bytes`).toThrow(refused)
        expect(() => open({ keys: [randomBytes(32), given] })).toThrow(refused)
      }
    }
    expect(() => open({ keys: ['correct horse battery staple'] })).toThrow(refused)
    expect(() => open({ keys: [] })).toThrow(refused)
  })

  it('is not shown when it is refused', () => {
    const key = 'correct horse battery staple, correct horse'
    for (const given of [key, `${randomBytes(31).toString('hex')}`]) {
      let message = ''
      try {
        open({ keys: [given] })
      } catch (error) {
        message = String(error)
      }
      expect(message).not.toBe('')
      expect(message).not.toContain(given)
    }
  })
})

describe("GoFrame's cipher", () => {
  const VECTORS = {
    '{}': '174380fa349796b2cc7cbfe137abc496',
    '{"k1":"v1"}': '6fe3bc8797329ad720032acb9d9329d5',
    '{"key":"0123456789"}': 'a2048006310006c62a03a1696f843bfc25546645ba68202686ae0fa31d5d009f',
  }

  for (const [json, hex] of Object.entries(VECTORS)) {
    it(`reads what GoFrame wrote, and writes the same: ${json}`, async () => {
      const { storage, path } = open({ insecureGoFrame: true })
      const bytes = Buffer.concat([HEADER, Buffer.from(hex, 'hex')])
      writeOld(path(), bytes)
      const data = JSON.parse(json)
      expect(await storage.getSession(ID, HOUR)).toEqual(data)
      await storage.setSession(ID, data, HOUR)
      expect(readFileSync(path())).toEqual(bytes)
    })
  }

  it('reads a whole block of padding, and finds text that is no object unreadable', async () => {
    const { storage, path } = open({ insecureGoFrame: true })
    const cipher = 'db8f0eb3b42a740834c273b3bdd08e4c5eafc7bd9a64f0636c120f7a22938bb8'
    writeOld(path(), Buffer.concat([HEADER, Buffer.from(cipher, 'hex')]))
    await expect(storage.getSession(ID, HOUR)).rejects.toMatchObject(UNREADABLE)
  })

  it('is refused what another cipher or none wrote', async () => {
    const { storage, path, folder } = open({ insecureGoFrame: true })
    await open({ keys: [randomBytes(32)] }, folder).storage.setSession('gcm', DATA, HOUR)
    await open(undefined, folder).storage.setSession('plain', DATA, HOUR)
    for (const id of ['gcm', 'plain']) {
      utimesSync(path(id), 1, 1)
      await expect(storage.getSession(id, HOUR), id).rejects.toMatchObject(UNREADABLE)
    }
  })
})
