import { isNewer, readPrefix } from './encrypted-format.ts'
import { type FileCipher, plainText } from './file-cipher.ts'
import { goframeCipher } from './goframe-cipher.ts'
import { parseRecord } from './record.ts'

/**
 * Why the bytes are another program's record though this one cannot read them: another process of the
 * same application may have other keys, a newer version, or another encryption. `undefined` for bytes
 * that nothing explains.
 */
export function whyForeign(bytes: Buffer, cipher: FileCipher): string | undefined {
  const prefix = readPrefix(bytes)
  if (prefix !== undefined) {
    if (isNewer(prefix.version)) return 'a newer version of gsession wrote it'
    if (prefix.version === 0 || cipher.keyIds.includes(prefix.keyId)) return undefined
    if (cipher.keyIds.length === 0) return 'it is encrypted, and this storage has no key'
    return 'it is encrypted with a key that this storage does not have'
  }
  if (cipher !== plainText && isRecord(bytes)) return 'it is not encrypted'
  if (cipher === goframeCipher) return undefined
  const plain = goframeCipher.decrypt(bytes, EMPTY, '')
  return plain && isRecord(plain) ? "it is encrypted with GoFrame's cipher" : undefined
}

const EMPTY = Buffer.alloc(0)

function isRecord(bytes: Buffer): boolean {
  try {
    return parseRecord(bytes.toString()) !== undefined
  } catch {
    return false
  }
}
