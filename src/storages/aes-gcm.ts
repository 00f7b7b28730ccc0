import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import { refuseOption } from '../core/options.ts'
import type { FileCipher } from './file-cipher.ts'

const CIPHER = 'aes-256-gcm'
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** A key of 32 bytes, or the text of one in hexadecimal (64 characters) or base64 (43 or 44). */
export type EncryptionKey = Uint8Array | string

/**
 * AES-256-GCM with a random nonce for each record: nonce, ciphertext, tag. The first key encrypts,
 * all of them decrypt, so a key is replaced by putting a new one in front.
 *
 * @throws {@link SessionError} `ERR_OPTION` when there is no key, or one is not of 32 bytes
 */
export function aesGcm(keys: readonly EncryptionKey[]): FileCipher {
  const secrets = keys.map(secretKey)
  const [first] = secrets
  if (first === undefined) return refuseOption('encryption.keys', 'at least one key', 'none')
  return {
    encrypt: (plain, header, id) => encrypt(first, plain, contextOf(header, id)),
    decrypt(bytes, header, id) {
      const context = contextOf(header, id)
      for (const secret of secrets) {
        const plain = decrypt(secret, bytes, context)
        if (plain !== undefined) return plain
      }
      return undefined
    },
  }
}

/** A KeyObject is made once: on Node 24 a raw key costs four times as much at each use. */
function secretKey(key: EncryptionKey): KeyObject {
  const bytes = typeof key === 'string' ? decodeKey(key) : Buffer.from(key)
  if (bytes.length === KEY_BYTES) return createSecretKey(bytes)
  const expected = `${KEY_BYTES} bytes, or their text in hexadecimal or base64`
  return refuseOption('encryption.keys', expected, `${bytes.length} bytes`)
}

function decodeKey(text: string): Buffer {
  return Buffer.from(text, /^[0-9a-f]{64}$/i.test(text) ? 'hex' : 'base64')
}

function contextOf(header: Buffer, id: string): Buffer {
  return Buffer.concat([header, Buffer.from(id)])
}

function encrypt(key: KeyObject, plain: Buffer, context: Buffer): Buffer {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(context)
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

function decrypt(key: KeyObject, bytes: Buffer, context: Buffer): Buffer | undefined {
  if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined
  const nonce = bytes.subarray(0, NONCE_BYTES)
  const tag = bytes.subarray(-TAG_BYTES)
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(context).setAuthTag(tag)
  try {
    return Buffer.concat([
      decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)),
      decipher.final(),
    ])
  } catch {
    return undefined
  }
}
