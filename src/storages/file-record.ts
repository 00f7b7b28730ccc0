import type { EncodedData } from '../core/changes.ts'
import { unreadable } from '../core/errors.ts'
import type { FileCipher } from './file-cipher.ts'
import { whyForeign } from './foreign-record.ts'
import { formatRecord, parseRecord } from './record.ts'

/** What a session file says. */
export interface FileRecord {
  /** When the session was last used or written, in milliseconds since 1970. */
  readonly usedAt: number
  readonly data: EncodedData
  /** Why the data, here none, are for another program to read, one that has another key for example. */
  readonly foreign?: string
}

/** The length of the time at the start of a file. */
export const HEADER_BYTES = 8

/**
 * The bytes of a session file, in GoFrame's format: the time as 8 bytes, little-endian, then the
 * JSON, encrypted or not. The time and the id are bound to
 * encrypted bytes.
 */
export function encodeFile(id: string, record: FileRecord, cipher: FileCipher): Buffer {
  const header = encodeTime(record.usedAt)
  const json = Buffer.from(formatRecord(record.data))
  return Buffer.concat([header, cipher.encrypt(json, header, id)])
}

/**
 * What the bytes of a session file say; `undefined` when they hold no session, as 8 bytes or fewer do.
 *
 * @throws {@link SessionError} `ERR_UNREADABLE` when they are not a session file, or not this one's
 */
export function decodeFile(id: string, bytes: Buffer, cipher: FileCipher): FileRecord | undefined {
  if (bytes.length <= HEADER_BYTES) return undefined
  const header = bytes.subarray(0, HEADER_BYTES)
  const body = bytes.subarray(HEADER_BYTES)
  const usedAt = decodeTime(header)
  try {
    const data = decodeBody(id, header, body, cipher)
    return data && { usedAt, data }
  } catch (error) {
    const foreign = whyForeign(body, cipher)
    if (foreign === undefined) throw error
    return { usedAt, data: NO_DATA, foreign }
  }
}

const NO_DATA: EncodedData = new Map()

function decodeBody(
  id: string,
  header: Buffer,
  body: Buffer,
  cipher: FileCipher,
): EncodedData | undefined {
  const json = cipher.decrypt(body, header, id)
  if (json === undefined) throw unreadable('no key decrypts it, or it was changed or moved')
  return parseOverwritten(json.toString())
}

/**
 * GoFrame writes in place, without a lock: two of its requests at once may leave a shorter record with
 * the end of a longer one behind it. The shorter one is the session, for GoFrame too.
 */
function parseOverwritten(text: string): EncodedData | undefined {
  try {
    return parseRecord(text)
  } catch (error) {
    const end = text.endsWith('}') ? endOfObject(text) : text.length
    if (end === text.length) throw error
    return parseRecord(text.slice(0, end))
  }
}

/** Where the object ends that the text begins with, or the end of a text that holds no whole one. */
function endOfObject(text: string): number {
  let depth = 0
  let isText = false
  for (let at = 0; at < text.length; at++) {
    const mark = text[at]
    if (mark === '\\') at++
    else if (mark === '"') isText = !isText
    else if (isText) continue
    else if (mark === '{') depth++
    else if (mark === '}' && --depth === 0) return at + 1
  }
  return text.length
}

/** The time in a file's header. */
export function decodeTime(header: Buffer): number {
  return Number(header.readBigInt64LE(0))
}

/** Never zero, which a hole in the file looks like: a clock that begins there begins a millisecond later. */
function encodeTime(time: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeBigInt64LE(BigInt(Math.floor(time) || 1))
  return header
}
