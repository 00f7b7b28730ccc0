/** Turns the JSON of a record into the bytes on disk and back. */
export interface FileCipher {
  /** What the keys are called in a record, in the order in which they are tried. */
  readonly keyIds: readonly string[]
  /** @param header, id - what the bytes belong to: authenticated with them, but not in them */
  encrypt(plain: Buffer, header: Buffer, id: string): Buffer
  /** The plain bytes, `undefined` when no key made these, or not for this header and id. */
  decrypt(bytes: Buffer, header: Buffer, id: string): Buffer | undefined
}

/** No encryption: the bytes are the JSON itself, as GoFrame writes it by default. */
export const plainText: FileCipher = {
  keyIds: [],
  encrypt: plain => plain,
  decrypt: bytes => bytes,
}
