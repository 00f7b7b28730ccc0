import { SessionError } from './errors.ts'
import { readOnly } from './read-only.ts'
import { isThenable } from './thenable.ts'
import { decodeValue, encodeValue } from './value.ts'
import { placeOf } from './value-place.ts'

/** What an application's function makes of a value, for storages, which know texts. */
export class ValueUpdate<Value> {
  readonly #key: string
  readonly #fn: (value: Value | undefined) => Value
  #text = ''
  #mistake: { readonly error: unknown } | undefined

  constructor(key: string, fn: (value: Value | undefined) => Value) {
    if (typeof fn !== 'function') refuse(key, 'takes a function: use `set` to store a value')
    this.#key = key
    this.#fn = fn
  }

  /** The new text; may run again, when another change came first. */
  run(text: string | undefined): string {
    const value = text === undefined ? undefined : (decodeValue(text) as Value)
    try {
      this.#text = encodeValue(settled(this.#key, this.#fn(value)), this.#key)
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

/** What the function answered, unless it has yet to be waited for. */
function settled<Value>(key: string, value: Value): Value {
  if (!isThenable(value)) return value
  // What it comes to is of no use any more, and must not end the process.
  Promise.resolve(value).catch(() => undefined)
  return refuse(key, 'needs a synchronous function, got a promise: await before you call it')
}

function refuse(key: string, reason: string): never {
  throw new SessionError('ERR_VALUE', `\`update\` of \`${placeOf([key])}\` ${reason}`)
}
