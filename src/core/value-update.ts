import { readOnly } from './read-only.ts'
import { decodeValue, encodeValue } from './value.ts'

/** What an application's function makes of a value, for storages, which know texts. */
export class ValueUpdate<Value> {
  readonly #fn: (value: Value | undefined) => Value
  #text = ''
  #mistake: { readonly error: unknown } | undefined

  constructor(fn: (value: Value | undefined) => Value) {
    this.#fn = fn
  }

  /** The new text; may run again, when another change came first. */
  run(text: string | undefined): string {
    const value = text === undefined ? undefined : (decodeValue(text) as Value)
    try {
      this.#text = encodeValue(this.#fn(value))
    } catch (error) {
      this.#mistake = { error }
      throw error
    }
    return this.#text
  }

  /** The value that the last run made, read-only. */
  get result(): Value {
    return readOnly(decodeValue(this.#text) as Value)
  }

  /** The same once it is stored. What the function threw is the application's own error, not the storage's. */
  async resultOf(stored: Promise<void>): Promise<Value> {
    try {
      await stored
    } catch (error) {
      throw this.#mistake === undefined ? error : this.#mistake.error
    }
    return this.result
  }
}
