/** What a storage holds once Go and Node have written to it, in the plainest words: maps, no storage. */

export type Data = Map<string, unknown>

/** In place of a value that was removed. */
export const REMOVED = Symbol('removed')

/** What Node knows after it asked for a session: all of it, or one key alone. */
export interface Loaded {
  readonly data: Data
  readonly isAll: boolean
}

/** The sessions of one storage, and what each side does with them. */
export interface StoredModel {
  has(id: string): boolean
  remove(id: string): void
  /** What Node reads. */
  load(id: string, key?: string): Loaded | undefined
  /** Node's changes, merged into a session that is there or is begun. */
  merge(id: string, changes: Data): void
  /** The same session under another id too. */
  copy(id: string, newId: string): void
  /** What Go reads. */
  seenByGo(id: string): Data
}

/** Files and Redis strings: one record for each session, written as a whole. */
export class RecordsModel implements StoredModel {
  readonly #records = new Map<string, Data>()

  has(id: string): boolean {
    return this.#records.has(id)
  }

  remove(id: string): void {
    this.#records.delete(id)
  }

  load(id: string): Loaded | undefined {
    const data = this.#records.get(id)
    return data && { data, isAll: true }
  }

  merge(id: string, changes: Data): void {
    this.overwrite(id, applied(this.seenByGo(id), changes))
  }

  copy(id: string, newId: string): void {
    this.overwrite(newId, this.seenByGo(id))
  }

  seenByGo(id: string): Data {
    return new Map(this.#records.get(id))
  }

  /** What Go does when it saves: nothing of what stood there stays. An empty session is a record too. */
  overwrite(id: string, data: Data): void {
    this.#records.set(id, new Map(data))
  }
}

interface Hash {
  /** What Go reads: texts. */
  readonly texts: Map<string, string>
  /** What Node noted of the types of its values; Go leaves the notes as they are. */
  readonly types: Map<string, string>
  /** Whether Node ever wrote to it: its notes are fields too, so that the hash is never empty. */
  isNoted: boolean
}

/** Redis hashes: a field for each key, written one by one. An empty hash is none. */
export class HashesModel implements StoredModel {
  readonly #hashes = new Map<string, Hash>()

  has(id: string): boolean {
    return this.#hashes.has(id)
  }

  remove(id: string): void {
    this.#hashes.delete(id)
  }

  load(id: string, key?: string): Loaded | undefined {
    const hash = this.#hashes.get(id)
    if (hash === undefined) return undefined
    const isEnough = key !== undefined && (hash.isNoted || hash.texts.has(key))
    const data: Data = new Map()
    for (const [name, text] of hash.texts) {
      if (!isEnough || name === key) data.set(name, typed(text, hash.types.get(name)))
    }
    return { data, isAll: !isEnough }
  }

  merge(id: string, changes: Data): void {
    const hash = this.#hashOf(id)
    hash.isNoted = true
    for (const [key, value] of changes) {
      if (value === REMOVED) {
        hash.texts.delete(key)
        hash.types.delete(key)
      } else {
        hash.texts.set(key, textOf(value))
        hash.types.set(key, typeOf(value))
      }
    }
  }

  copy(id: string, newId: string): void {
    const { texts, types, isNoted } = this.#hashOf(id)
    this.#hashes.set(newId, { texts: new Map(texts), types: new Map(types), isNoted })
  }

  seenByGo(id: string): Data {
    return new Map(this.#hashes.get(id)?.texts)
  }

  /** What Go does at each of its calls. */
  changeByGo(id: string, changes: Data): void {
    const { texts, isNoted } = this.#hashOf(id)
    for (const [key, value] of changes) {
      if (value === REMOVED) texts.delete(key)
      else texts.set(key, textOf(value))
    }
    if (texts.size === 0 && !isNoted) this.#hashes.delete(id)
  }

  #hashOf(id: string): Hash {
    const known = this.#hashes.get(id)
    if (known !== undefined) return known
    const hash = { texts: new Map(), types: new Map(), isNoted: false }
    this.#hashes.set(id, hash)
    return hash
  }
}

export function applied(data: Data, changes: Data): Data {
  const result = new Map(data)
  for (const [key, value] of changes) {
    if (value === REMOVED) result.delete(key)
    else result.set(key, value)
  }
  return result
}

function textOf(value: unknown): string {
  if (value === null) return ''
  if (typeof value === 'boolean') return value ? '1' : '0'
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function typeOf(value: unknown): string {
  return value === null ? 'null' : typeof value
}

/** What Node reads: the type that it noted, as long as the text fits it, whoever wrote the text. */
function typed(text: string, type: string | undefined): unknown {
  if (type === 'null' && text === '') return null
  if (type === 'boolean' && (text === '1' || text === '0')) return text === '1'
  if (type === 'object' && /^[[{]/.test(text)) return JSON.parse(text)
  if (type === 'number' && /^-?\d+(?:\.\d+)?$/.test(text)) return numberOf(text)
  if (type === 'bigint' && /^-?\d+$/.test(text)) return numberOf(text)
  return text
}

function numberOf(text: string): number | bigint {
  const number = Number(text)
  return Number.isInteger(number) && !Number.isSafeInteger(number) ? BigInt(text) : number
}
