import { createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto'
import { copyFileSync, existsSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
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
/** The bytes of a file that tell the version of the format, and the key. */
const NEWER_OR_KEY_ID = new Set([12, 13, 14, 15, 16])

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

  it('is AES-256-GCM after a prefix; time, prefix and id are authenticated', async () => {
    const key = randomBytes(32)
    const { storage, path } = open({ keys: [key] })
    await storage.setSession(ID, { k1: 'v1' }, HOUR)
    const bytes = readFileSync(path())
    expect(bytes).toHaveLength(8 + 9 + 12 + '{"k1":"v1"}'.length + 16)
    const prefix = bytes.subarray(8, 17)
    const keyId = createHmac('sha256', key).update('gsession file key id').digest().subarray(0, 4)
    expect(prefix).toEqual(Buffer.concat([Buffer.from('8f47534501', 'hex'), keyId]))
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(17, 29))
    decipher.setAAD(Buffer.concat([bytes.subarray(0, 8), prefix, Buffer.from(ID)]))
    decipher.setAuthTag(bytes.subarray(-16))
    const plain =
      decipher.update(bytes.subarray(29, -16), undefined, 'utf8') + decipher.final('utf8')
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
      nonces.add(bytes.subarray(17, 29).toString('hex'))
    }
    expect([seen.size, nonces.size]).toEqual([100, 100])
  })

  it('is refused whichever bit is flipped, and kept aside unless another key or version explains it', async () => {
    const keys = [randomBytes(32)]
    const { storage, path, folder } = open({ keys })
    await storage.setSession(ID, { k1: 'v1' }, HOUR)
    const bytes = readFileSync(path())
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes)
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      writeFileSync(path(), flipped)
      utimesSync(path(), bit + 2, bit + 2)
      await expect(storage.getSession(ID, HOUR), `bit ${bit}`).rejects.toMatchObject(UNREADABLE)
      const isExplained = NEWER_OR_KEY_ID.has(bit >> 3) && flipped.readUInt8(12) !== 0
      const kept = isExplained ? path() : join(folder, `${ID}.unreadable`)
      expect(readFileSync(kept), `bit ${bit}`).toEqual(flipped)
      expect(existsSync(path())).toBe(isExplained)
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
})

interface Reader {
  readonly encryption: StorageFileOptions['encryption']
  readonly reason: string
}

describe('a record that another process can read', () => {
  const [older, newer] = [randomBytes(32), randomBytes(32)]
  const goframe = { insecureGoFrame: true } as const
  const CASES: Readonly<Record<string, [StorageFileOptions['encryption'], Reader]>> = {
    'encrypted with the next key': [
      { keys: [newer, older] },
      { encryption: { keys: [older] }, reason: 'with a key that this storage does not have' },
    ],
    'encrypted with a key that was dropped': [
      { keys: [older] },
      { encryption: { keys: [newer] }, reason: 'with a key that this storage does not have' },
    ],
    'encrypted, for one without keys': [
      { keys: [older] },
      { encryption: undefined, reason: 'it is encrypted, and this storage has no key' },
    ],
    "encrypted, for one with GoFrame's cipher": [
      { keys: [older] },
      { encryption: goframe, reason: 'it is encrypted, and this storage has no key' },
    ],
    'not encrypted, for one with keys': [
      undefined,
      { encryption: { keys: [older] }, reason: 'it is not encrypted' },
    ],
    "not encrypted, for one with GoFrame's cipher": [
      undefined,
      { encryption: goframe, reason: 'it is not encrypted' },
    ],
    "encrypted with GoFrame's cipher, for one without": [
      goframe,
      { encryption: undefined, reason: "with GoFrame's cipher" },
    ],
    "encrypted with GoFrame's cipher, for one with keys": [
      goframe,
      { encryption: { keys: [older] }, reason: "with GoFrame's cipher" },
    ],
  }

  for (const [name, [encryption, reader]] of Object.entries(CASES)) {
    it(`is an error at each use, and stays where it is: ${name}`, async () => {
      const { storage, folder, path } = open(encryption)
      await storage.setSession(ID, DATA, HOUR)
      const bytes = readFileSync(path())
      const other = open(reader.encryption, folder).storage
      const changes = { set: new Map([['a', '1']]), removed: new Set<string>() }
      for (const use of [
        () => other.getSession(ID, HOUR),
        () => other.load(ID, HOUR),
        () => other.merge(ID, changes, HOUR),
        () => other.create(ID, new Map(), HOUR),
        () => other.setSession(ID, {}, HOUR),
        () => other.updateTTL(ID, HOUR),
        () => other.rotate(ID, 'next', changes, HOUR, false),
        () => other.getSession(ID, HOUR),
      ]) {
        await expect(Promise.resolve(use())).rejects.toMatchObject({
          code: 'ERR_UNREADABLE',
          message: expect.stringContaining(reader.reason),
        })
      }
      expect(await other.sweep()).toBe(0)
      expect(filesIn(folder)).toEqual([`${ID}.session`])
      expect(readFileSync(path())).toEqual(bytes)
      expect(await storage.getSession(ID, HOUR)).toEqual(DATA)
    })

    it(`is no session any more once its ttl is over: ${name}`, async () => {
      const { storage, folder } = open(encryption)
      for (const id of ['read', 'swept', 'begun']) await storage.setSession(id, DATA, HOUR)
      const options = { path: folder, clock: () => TIME + HOUR + 1 }
      const other = new StorageFile(
        reader.encryption === undefined ? options : { ...options, encryption: reader.encryption },
      )
      expect(await other.getSession('read', HOUR)).toBeUndefined()
      expect(await other.create('begun', new Map(), HOUR)).toBe(true)
      utimesSync(join(folder, 'swept.session'), 1, 1)
      expect(await other.sweep()).toBe(1)
      expect(filesIn(folder)).toEqual(['begun.session'])
    })

    it(`is removed by a logout: ${name}`, async () => {
      const { storage, folder } = open(encryption)
      await storage.setSession(ID, DATA, HOUR)
      await open(reader.encryption, folder).storage.removeAll(ID)
      expect(filesIn(folder)).toEqual([])
    })
  }

  it('may be of a newer version, too', async () => {
    const keys = [older]
    const { storage, folder, path } = open({ keys })
    await storage.setSession(ID, DATA, HOUR)
    const bytes = readFileSync(path())
    bytes.writeUInt8(2, 12)
    writeFileSync(path(), bytes)
    for (const encryption of [{ keys }, { keys: [newer] }, undefined]) {
      const { storage: reader } = open(encryption, folder)
      await expect(reader.getSession(ID, HOUR)).rejects.toMatchObject({
        code: 'ERR_UNREADABLE',
        message: expect.stringContaining('a newer version of gsession wrote it'),
      })
    }
    expect(readFileSync(path())).toEqual(bytes)
  })

  it('serves two processes with keys in rotation', async () => {
    const before = open({ keys: [older] })
    const after = open({ keys: [newer, older] }, before.folder)
    await before.storage.setSession('one', { n: 1 }, HOUR)
    await after.storage.setSession('two', { n: 2 }, HOUR)
    expect(await after.storage.getSession('one', HOUR)).toEqual({ n: 1 })
    await expect(before.storage.getSession('two', HOUR)).rejects.toMatchObject(UNREADABLE)
    expect(await after.storage.getSession('two', HOUR)).toEqual({ n: 2 })
  })

  it('tells nothing of its key by the id of it', async () => {
    const key = randomBytes(32)
    const { storage, path } = open({ keys: [key] })
    await storage.setSession(ID, DATA, HOUR)
    const id = readFileSync(path()).subarray(13, 17)
    expect(key.includes(id)).toBe(false)
    for (const name of ['sha256', 'sha512', 'sha1', 'md5']) {
      expect(createHash(name).update(key).digest().subarray(0, 4)).not.toEqual(id)
    }
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
    await expect(after.getSession('two', HOUR)).rejects.toMatchObject(UNREADABLE)
    expect(await both.storage.getSession('two', HOUR)).toEqual({ n: 2 })
  })

  it('that is wrong makes a session unreadable, and nobody is logged in by it', async () => {
    const { storage, folder, path } = open({ keys: [randomBytes(32)] })
    await storage.setSession(ID, DATA, HOUR)
    const bytes = readFileSync(path())
    const wrong = open({ keys: [randomBytes(32)] }, folder).storage
    const manager = new Manager({ storage: wrong, idAtRest: 'plain', clock: () => TIME })
    await expect(manager.new(ID).get('user')).rejects.toMatchObject(UNREADABLE)
    await expect(manager.new(ID).data()).rejects.toMatchObject(UNREADABLE)
    expect(readFileSync(path())).toEqual(bytes)
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

  const SECRET = 'correct horse battery staple, correct horse'
  const SECRET_BYTES = Buffer.from('f00dcafe'.repeat(4), 'hex')
  const WRONG: Readonly<Record<string, [unknown, string]>> = {
    'a text': [SECRET, '`encryption`'],
    'an empty text': ['', '`encryption`'],
    null: [null, '`encryption`'],
    'a number': [7, '`encryption`'],
    true: [true, '`encryption`'],
    'a list': [[SECRET], '`encryption`'],
    bytes: [randomBytes(32), '`encryption'],
    'no option': [{}, '`encryption.keys`'],
    'keys as a text': [{ keys: SECRET }, '`encryption.keys`'],
    'keys as bytes': [{ keys: SECRET_BYTES }, '`encryption.keys`'],
    'keys as null': [{ keys: null }, '`encryption.keys`'],
    'keys as an object': [{ keys: { 0: SECRET } }, '`encryption.keys`'],
    'no keys': [{ keys: [] }, '`encryption.keys`'],
    'a key that is undefined': [{ keys: [undefined] }, '`encryption.keys[0]`'],
    'a key that is null': [{ keys: [null] }, '`encryption.keys[0]`'],
    'a hole': [{ keys: [randomBytes(32), undefined] }, '`encryption.keys[1]`'],
    'an empty key': [{ keys: [''] }, '`encryption.keys[0]`'],
    'a passphrase': [{ keys: [SECRET] }, '`encryption.keys[0]`'],
    'a key as an array': [{ keys: [[...randomBytes(32)]] }, '`encryption.keys[0]`'],
    'a key of other numbers': [{ keys: [new Uint16Array(16)] }, '`encryption.keys[0]`'],
    'a short key': [{ keys: [SECRET_BYTES] }, '`encryption.keys[0]`'],
    'a short second key': [{ keys: [randomBytes(32), SECRET_BYTES] }, '`encryption.keys[1]`'],
    'broken base64': [
      { keys: [`*${randomBytes(32).toString('base64').slice(1)}`] },
      '`encryption.keys[0]`',
    ],
    'base64 with bits too many': [{ keys: [`${'A'.repeat(42)}B=`] }, '`encryption.keys[0]`'],
    'hexadecimal with a wrong letter': [{ keys: [`g${'0'.repeat(63)}`] }, '`encryption.keys[0]`'],
    'an unknown option': [{ key: SECRET }, '`encryption.key`'],
    'an unknown option beside': [
      { keys: [randomBytes(32)], algorithm: SECRET },
      '`encryption.algorithm`',
    ],
    'both ways': [{ keys: [randomBytes(32)], insecureGoFrame: true }, '`encryption`'],
    'GoFrame as a text': [{ insecureGoFrame: SECRET }, '`encryption.insecureGoFrame`'],
  }

  for (const [name, [encryption, option]] of Object.entries(WRONG)) {
    it(`is refused by its name, and never shown: ${name}`, () => {
      let refused: unknown
      try {
        new StorageFile({ path: tempFolder(), encryption } as StorageFileOptions)
      } catch (error) {
        refused = error
      }
      expect(refused).toMatchObject({
        code: 'ERR_OPTION',
        message: expect.stringContaining(option),
      })
      const shown = inspect(refused, { showHidden: true, depth: 10 }) + JSON.stringify(refused)
      for (const secret of [SECRET, 'f00dcafe', SECRET_BYTES.toString('base64').slice(0, 12)]) {
        expect(shown).not.toContain(secret)
      }
    })
  }
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
})
