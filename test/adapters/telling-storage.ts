import { StorageMemory } from 'gsession'

/** A storage that tells when a session may have ended, and knows who wants to hear of it. */
export interface TellingStorage {
  readonly storage: StorageMemory
  /** How many sessions are watched now. */
  watched(): number
  /** How many watches were ever begun. */
  begun(): number
  tell(): void
}

/** @param storage - the one that is to tell */
export function tellingStorage(storage = new StorageMemory()): TellingStorage {
  const looks = new Set<() => void>()
  let begun = 0
  const watch = (_id: string, look: () => void): (() => void) => {
    // Each watch is one of its own, whatever it calls.
    const told = (): void => look()
    looks.add(told)
    begun++
    return () => looks.delete(told)
  }
  const tell = (): void => {
    for (const look of [...looks]) look()
  }
  return {
    storage: Object.assign(storage, { watch }),
    watched: () => looks.size,
    begun: () => begun,
    tell,
  }
}
