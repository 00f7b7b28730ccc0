import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { FileCipher } from './file-cipher.ts'

const CIPHER = 'aes-256-cbc'
/** Both are public in GoFrame's source, and a key set there is ignored: this keeps nothing secret. */
const KEY = Buffer.from('Session storage file crypto key!')
const IV = Buffer.from('I Love Go Frame!')

/** GoFrame's own file cipher, to share encrypted files with Go. It hides, but protects nothing. */
export const goframeCipher: FileCipher = {
  keyIds: [],
  encrypt(plain) {
    const cipher = createCipheriv(CIPHER, KEY, IV)
    return Buffer.concat([cipher.update(plain), cipher.final()])
  },
  decrypt(bytes) {
    const decipher = createDecipheriv(CIPHER, KEY, IV)
    try {
      return Buffer.concat([decipher.update(bytes), decipher.final()])
    } catch {
      return undefined
    }
  },
}
