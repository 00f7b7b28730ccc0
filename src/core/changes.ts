/** The JSON text of each key's value: what a session holds and what a storage keeps. */
export type EncodedData = ReadonlyMap<string, string>

/** The key that this library keeps for itself, beside the application's. */
export const RESERVED_KEY = '__gsession'

/** Whether a key is the library's own; storages may keep some whose names go on behind it. */
export function isReserved(key: string): boolean {
  return key.startsWith(RESERVED_KEY)
}

/** No keys at all. */
export const NO_DATA: EncodedData = new Map()

/**
 * What a request changed, and nothing else: a storage merges it into whatever is stored by then.
 * No key is both set and removed.
 */
export interface Changes {
  readonly set: EncodedData
  readonly removed: ReadonlySet<string>
  /** Runs after the others, inside the storage's atomic step; it may run again on a conflict. */
  readonly update?: KeyUpdate
}

/** One key's new text, computed from what is stored at that moment. */
export interface KeyUpdate {
  readonly key: string
  readonly fn: (text: string | undefined) => string
}

/** What is stored once the changes are merged in. The data given is left as it is. */
export function applyChanges(data: EncodedData, changes: Changes): Map<string, string> {
  const result = new Map(data)
  changeInPlace(result, changes)
  return result
}

/** Merges the changes into the data given, which is left half done if their update throws. */
export function changeInPlace(data: Map<string, string>, changes: Changes): void {
  for (const [key, text] of changes.set) data.set(key, text)
  for (const key of changes.removed) data.delete(key)
  if (changes.update !== undefined) {
    const { key, fn } = changes.update
    data.set(key, fn(data.get(key)))
  }
}
