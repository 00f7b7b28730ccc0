import { SessionError } from '../core/errors.ts'
import { refuseUnknownOptions } from '../core/options.ts'
import { aesGcm } from './aes-gcm.ts'
import { type FileCipher, plainText } from './file-cipher.ts'
import { goframeCipher } from './goframe-cipher.ts'

const KEY_BYTES = 32
const EXPECTED_KEY = `${KEY_BYTES} bytes, or their text in hexadecimal or base64`
const HEXADECIMAL = /^[0-9a-f]{64}$/i
const BASE64 = /^(?:[A-Za-z0-9+/]{43}|[A-Za-z0-9_-]{43})=?$/

/** A key of 32 bytes, or the text of one in hexadecimal (64 characters) or base64 (43 or 44). */
export type EncryptionKey = Uint8Array | string

export type FileEncryption =
  | { readonly keys: readonly EncryptionKey[] }
  | { readonly insecureGoFrame: true }

/**
 * The cipher that the option `encryption` asks for.
 *
 * @throws {@link SessionError} `ERR_OPTION` for anything else. No message shows what was given: it may
 * be a key
 */
export function chooseCipher(encryption: FileEncryption | undefined): FileCipher {
  if (encryption === undefined) return plainText
  if (typeof encryption !== 'object' || encryption === null || Array.isArray(encryption)) {
    return refuse('encryption', '{ keys: [...] } or { insecureGoFrame: true }', encryption)
  }
  refuseUnknownOptions(encryption, ['keys', 'insecureGoFrame'], 'encryption')
  const { keys, insecureGoFrame }: { keys?: unknown; insecureGoFrame?: unknown } = encryption
  if (insecureGoFrame === undefined) return aesGcm(keysOf(keys))
  if (keys !== undefined) {
    return refuse('encryption', 'either { keys } or { insecureGoFrame: true }', encryption)
  }
  if (insecureGoFrame === true) return goframeCipher
  return refuse('encryption.insecureGoFrame', 'true', insecureGoFrame)
}

function keysOf(keys: unknown): [Uint8Array, ...Uint8Array[]] {
  if (!Array.isArray(keys)) return refuse('encryption.keys', 'a list of keys', keys)
  // Not `map`, which passes over holes.
  const [first, ...others] = Array.from<unknown, Uint8Array>(keys, (key, index) =>
    keyBytes(key, `encryption.keys[${index}]`),
  )
  if (first === undefined) return refuse('encryption.keys', 'one key at least', keys)
  return [first, ...others]
}

function keyBytes(key: unknown, name: string): Uint8Array {
  if (typeof key === 'string') return decodeKey(key.trim()) ?? refuse(name, EXPECTED_KEY, key)
  // Of any realm.
  const isBytes = ArrayBuffer.isView(key) && Object.prototype.toString.call(key) === BYTES_TAG
  if (!isBytes || key.byteLength !== KEY_BYTES) return refuse(name, EXPECTED_KEY, key)
  return new Uint8Array(Buffer.from(key.buffer, key.byteOffset, key.byteLength))
}

const BYTES_TAG = '[object Uint8Array]'

/** `Buffer.from` passes over what is not of the alphabet: a misspelt key would be another key. */
function decodeKey(text: string): Buffer | undefined {
  if (HEXADECIMAL.test(text)) return Buffer.from(text, 'hex')
  if (!BASE64.test(text)) return undefined
  const bytes = Buffer.from(text, 'base64')
  const isWhole =
    bytes.toString('base64url') === text.replace(/=$/, '').replaceAll('+', '-').replaceAll('/', '_')
  return isWhole ? bytes : undefined
}

/** Tells what kind of value came, never the value. */
function refuse(name: string, expected: string, got: unknown): never {
  const message = `Expected \`${name}\` to be ${expected}, got ${kindOf(got)}`
  throw new SessionError('ERR_OPTION', message)
}

function kindOf(value: unknown): string {
  if (typeof value === 'string') return `a text of ${value.length} characters`
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (value === null || value === undefined) return String(value)
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
