/** Turns the JSON of a record into the bytes on disk and back. */
export interface FileCipher {
  /** @param context - what the bytes belong to: authenticated with them, but not in them */
  encrypt(plain: Buffer, context: Buffer): Buffer
  /** The plain bytes, `undefined` when these were not made by one of the keys, or not for this context. */
  decrypt(bytes: Buffer, context: Buffer): Buffer | undefined
}

/** No encryption: the bytes are the JSON itself, as GoFrame writes it by default. */
export const plainText: FileCipher = {
  encrypt: plain => plain,
  decrypt: bytes => bytes,
}
