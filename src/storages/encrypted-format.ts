/**
 * What an encrypted record begins with: four bytes that begin no JSON, the version of the format, and
 * the id of the key. All of them are authenticated.
 *
 * | bytes | |
 * |---|---|
 * | 4 | `0x8f G S E` |
 * | 1 | the version, 1 |
 * | 4 | the key's id |
 * | 12 | the nonce |
 * | any | the ciphertext |
 * | 16 | the tag |
 */
const MAGIC = Buffer.from([0x8f, 0x47, 0x53, 0x45])
const VERSION = 1
export const KEY_ID_BYTES = 4
export const PREFIX_BYTES: number = MAGIC.length + 1 + KEY_ID_BYTES

/** The bytes that begin each record encrypted with this key. */
export function prefixOf(keyId: string): Buffer {
  return Buffer.concat([MAGIC, Buffer.of(VERSION), Buffer.from(keyId, 'hex')])
}

/** The version and the id of the key, `undefined` for bytes that are not encrypted by this library. */
export function readPrefix(bytes: Buffer): { version: number; keyId: string } | undefined {
  if (bytes.length < PREFIX_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC))
    return undefined
  const version = bytes.readUInt8(MAGIC.length)
  return { version, keyId: bytes.toString('hex', MAGIC.length + 1, PREFIX_BYTES) }
}

/** Whether a later version of this library wrote it. */
export function isNewer(version: number): boolean {
  return version > VERSION
}
