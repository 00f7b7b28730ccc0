import { readOnly } from './read-only.ts'
import { decodeValue } from './value.ts'

interface View {
  readonly text: string
  readonly value: unknown
}

/** The values that one session has handed out: asking twice gives the same object. */
export class Views {
  /** By key; undefined until a value is an object. */
  #views: Map<string, View> | undefined

  /** The read-only value of a text; the same object as before while the text is the same. */
  of(key: string, text: string): unknown {
    const known = this.#views?.get(key)
    if (known?.text === text) return known.value
    const value = readOnly(decodeValue(text))
    if (typeof value === 'object') {
      this.#views ??= new Map()
      this.#views.set(key, { text, value })
    }
    return value
  }
}
