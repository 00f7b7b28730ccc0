import type { Changes, KeyUpdate } from './changes.ts'

/** The changes that a session has recorded and not yet stored, in the order of the calls. */
export class PendingChanges implements Changes {
  readonly set: Map<string, string> = new Map()
  readonly removed: Set<string> = new Set()
  readonly update?: KeyUpdate

  constructor(update?: KeyUpdate) {
    if (update !== undefined) this.update = update
  }

  get isEmpty(): boolean {
    return this.set.size === 0 && this.removed.size === 0 && this.update === undefined
  }

  /** Whether storing these changes needs a session to exist: removals alone do not. */
  get addsSomething(): boolean {
    return this.set.size > 0 || this.update !== undefined
  }

  /** The key's recorded text, `null` when it was removed, `undefined` when nothing was recorded. */
  textOf(key: string): string | null | undefined {
    return this.removed.has(key) ? null : this.set.get(key)
  }

  setKey(key: string, text: string): void {
    this.removed.delete(key)
    this.set.set(key, text)
  }

  removeKey(key: string): void {
    this.set.delete(key)
    this.removed.add(key)
  }

  /** Puts back older changes that could not be stored, beneath what was recorded since. */
  restore(older: PendingChanges): void {
    for (const [key, text] of older.set) {
      if (this.textOf(key) === undefined) this.set.set(key, text)
    }
    for (const key of older.removed) {
      if (this.textOf(key) === undefined) this.removed.add(key)
    }
  }

  /** The same changes with an update after them. */
  withUpdate(update: KeyUpdate | undefined): PendingChanges {
    const changes = new PendingChanges(update)
    changes.restore(this)
    return changes
  }
}

/** The changes, and beside them what they came to once their update has run. */
export function track(changes: PendingChanges): {
  tracked: PendingChanges
  committed: PendingChanges
} {
  const { update } = changes
  if (update === undefined) return { tracked: changes, committed: changes }
  const committed = new PendingChanges()
  committed.restore(changes)
  const fn = (text: string | undefined): string => {
    const result = update.fn(text)
    committed.setKey(update.key, result)
    return result
  }
  return { tracked: changes.withUpdate({ key: update.key, fn }), committed }
}
