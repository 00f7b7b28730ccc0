import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeData, SessionError, StorageFile, type StorageFileOptions } from 'gsession'
import { describe, expect, it } from 'vitest'
import { tempFolder } from '../helpers/temp-folder.ts'
import { locksIn } from './file-names.ts'

const HOUR = 3_600_000
const TIME = 1_704_164_645_678
const ID = 'damaged'
const OTHER = 'another'
const SECRET = 'the secret of another session'
const DATA = { user: 'jöhn', big: 1265476890672672808n, list: [1, 2.5, { a: null }], ok: true }

interface Damaged {
  readonly bytes: Buffer
  /** What the storage answers for these bytes: the data, `undefined`, or the code of its error. */
  read(bytes: Buffer): Promise<unknown>
}

/** A storage with one session in it, whose file is going to be damaged. */
async function open(options: StorageFileOptions): Promise<Damaged> {
  const folder = tempFolder()
  const storage = new StorageFile({ ...options, path: folder, clock: () => TIME })
  await storage.setSession(OTHER, { secret: SECRET }, HOUR)
  await storage.setSession(ID, DATA, HOUR)
  const path = join(folder, `${ID}.session`)
  let time = 1
  const read = async (bytes: Buffer): Promise<unknown> => {
    writeFileSync(path, bytes)
    // It looks changed, but so long ago that nobody can be in the middle of writing it.
    utimesSync(path, time, time++)
    const answer = await storage.getSession(ID, HOUR).catch(codeOf)
    if (answer === 'ERR_UNREADABLE') {
      const aside = join(folder, `${ID}.unreadable`)
      // A record of another key, as its prefix says, stays where it is.
      expect(readFileSync(existsSync(aside) ? aside : path)).toEqual(bytes)
      rmSync(aside, { force: true })
    }
    expect(locksIn(folder)).toEqual([])
    expect(await storage.getSession(OTHER, HOUR)).toEqual({ secret: SECRET })
    return answer
  }
  return { bytes: readFileSync(path), read }
}

function codeOf(error: unknown): string {
  if (error instanceof SessionError) return error.code
  throw error
}

function flip(bytes: Buffer, bit: number): Buffer {
  const flipped = Buffer.from(bytes)
  flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
  return flipped
}

/** What a plain record says once it was damaged: JSON has nothing to tell that by. */
function meaningOf(bytes: Buffer): unknown {
  const usedAt = Number(bytes.readBigInt64LE())
  try {
    const data = decodeData(bytes.subarray(8).toString())
    return usedAt + HOUR >= TIME ? data : undefined
  } catch (error) {
    return codeOf(error)
  }
}

const ENCRYPTED = { encryption: { keys: [randomBytes(32)] } }

describe('a record that was cut off', () => {
  for (const [name, options] of Object.entries({ plain: {}, encrypted: ENCRYPTED })) {
    it(`is absent or unreadable wherever it was cut: ${name}`, async () => {
      const { bytes, read } = await open(options)
      for (let length = 0; length < bytes.length; length++) {
        const expected = length <= 8 ? undefined : 'ERR_UNREADABLE'
        expect(await read(bytes.subarray(0, length)), `cut to ${length} bytes`).toBe(expected)
      }
      expect(await read(bytes)).toEqual(DATA)
    })

    it(`is unreadable when something was added to it: ${name}`, async () => {
      const { bytes, read } = await open(options)
      // The end of another record may be there: GoFrame leaves it so.
      const ends = name === 'plain' ? [] : ['}', '{}']
      for (const more of [...ends, '{', '\0', 'x'.repeat(1000)]) {
        expect(await read(Buffer.concat([bytes, Buffer.from(more)]))).toBe('ERR_UNREADABLE')
      }
    })
  }
})

describe('a record with a flipped bit', () => {
  it('is unreadable wherever it was flipped, when it is encrypted', async () => {
    const { bytes, read } = await open(ENCRYPTED)
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      expect(await read(flip(bytes, bit)), `bit ${bit}`).toBe('ERR_UNREADABLE')
    }
    expect(await read(bytes)).toEqual(DATA)
  })

  it('is what its bytes say, absent or unreadable, when it is plain', async () => {
    const { bytes, read } = await open({})
    const outcomes = { readable: 0, absent: 0, unreadable: 0 }
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = flip(bytes, bit)
      const answer = await read(flipped)
      expect(answer, `bit ${bit}`).toEqual(meaningOf(flipped))
      if (answer === undefined) outcomes.absent++
      else if (answer === 'ERR_UNREADABLE') outcomes.unreadable++
      else outcomes.readable++
    }
    console.log(`${bytes.length * 8} flipped bits of a plain record:`, outcomes)
    expect(outcomes.unreadable).toBeGreaterThan(outcomes.readable / 2)
  })

  it("is never another session's, whatever bytes are exchanged", async () => {
    const { bytes, read } = await open(ENCRYPTED)
    for (let n = 0; n < 500; n++) {
      const garbage = Buffer.concat([bytes.subarray(0, 8), randomBytes(n)])
      expect(await read(garbage)).toBe(n === 0 ? undefined : 'ERR_UNREADABLE')
    }
  })
})
