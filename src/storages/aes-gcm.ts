import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import { KEY_ID_BYTES, PREFIX_BYTES, prefixOf } from './encrypted-format.ts'
import type { FileCipher } from './file-cipher.ts'

const CIPHER = 'aes-256-gcm'
const NONCE_BYTES = 12
const TAG_BYTES = 16
const ENCRYPTED_BYTES = PREFIX_BYTES + NONCE_BYTES + TAG_BYTES

interface Key {
  /** Made once: on Node 24 a raw key costs four times as much at each use. */
  readonly secret: KeyObject
  readonly id: string
  readonly prefix: Buffer
}

/**
 * AES-256-GCM with a random nonce for each record. The first key encrypts, all of them decrypt, so a
 * key is replaced by putting a new one in front. A record tells which key it needs.
 *
 * @param keys - each of 32 bytes, one at least
 */
export function aesGcm(keys: readonly [Uint8Array, ...Uint8Array[]]): FileCipher {
  const [first, ...others] = keys
  const encrypting = keyOf(first)
  const decrypting = [encrypting, ...others.map(keyOf)]
  return {
    keyIds: decrypting.map(key => key.id),
    encrypt: (plain, header, id) => encrypt(encrypting, plain, contextOf(header, encrypting, id)),
    decrypt(bytes, header, id) {
      if (bytes.length < ENCRYPTED_BYTES) return undefined
      const prefix = bytes.subarray(0, PREFIX_BYTES)
      for (const key of decrypting) {
        const plain = prefix.equals(key.prefix)
          ? decrypt(key, bytes, contextOf(header, key, id))
          : undefined
        if (plain !== undefined) return plain
      }
      return undefined
    },
  }
}

function keyOf(bytes: Uint8Array): Key {
  const secret = createSecretKey(bytes)
  const id = idOf(secret)
  return { secret, id, prefix: prefixOf(id) }
}

/** Tells keys apart, and tells nothing of them. */
function idOf(secret: KeyObject): string {
  const digest = createHmac('sha256', secret).update('gsession file key id').digest()
  return digest.toString('hex', 0, KEY_ID_BYTES)
}

function contextOf(header: Buffer, key: Key, id: string): Buffer {
  return Buffer.concat([header, key.prefix, Buffer.from(id)])
}

function encrypt({ secret, prefix }: Key, plain: Buffer, context: Buffer): Buffer {
  const nonce = randomBytes(NONCE_BYTES)
  const options = { authTagLength: TAG_BYTES }
  const cipher = createCipheriv(CIPHER, secret, nonce, options).setAAD(context)
  return Buffer.concat([prefix, nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

function decrypt({ secret }: Key, bytes: Buffer, context: Buffer): Buffer | undefined {
  const begin = PREFIX_BYTES + NONCE_BYTES
  const nonce = bytes.subarray(PREFIX_BYTES, begin)
  const decipher = createDecipheriv(CIPHER, secret, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(context).setAuthTag(bytes.subarray(-TAG_BYTES))
  try {
    return Buffer.concat([decipher.update(bytes.subarray(begin, -TAG_BYTES)), decipher.final()])
  } catch {
    return undefined
  }
}
