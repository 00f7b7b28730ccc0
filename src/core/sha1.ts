import { hash } from 'node:crypto'

/** SHA-1 in hexadecimal: how Redis names a script. Nothing secret may rest on it. */
export function sha1(text: string): string {
  return hash('sha1', text, 'hex')
}
