import { applied, type Data, REMOVED, type StoredModel } from './stored-model.ts'

export interface Outcome {
  readonly value?: unknown
  readonly error?: string
}

const GONE: Outcome = { error: 'ERR_GONE' }
const DONE: Outcome = { value: undefined }

/** A request here: what it has read stays as it was, and what it changed waits for its end. */
export class NodeRequestModel {
  id: string | undefined
  readonly #stored: StoredModel
  #exists: boolean | undefined
  /** Whether it ever was there: it is not begun anew once it is gone. */
  #wasThere = false
  #snapshot: Data = new Map()
  #known: 'all' | Set<string> = new Set()
  #pending: Data = new Map()

  constructor(stored: StoredModel, id: string | undefined) {
    this.#stored = stored
    this.id = id
  }

  data(): Data {
    this.#load()
    return applied(this.#snapshot, this.#pending)
  }

  get(key: string): unknown {
    const pending = this.#pending.get(key)
    if (pending !== undefined) return pending === REMOVED ? undefined : pending
    this.#load(key)
    return this.#snapshot.get(key)
  }

  set(values: Iterable<readonly [string, unknown]>): Outcome {
    for (const [key, value] of values) this.#pending.set(key, value)
    return DONE
  }

  remove(keys: readonly string[]): Outcome {
    for (const key of keys) {
      if (this.#mayExist) this.#pending.set(key, REMOVED)
      else if (this.#pending.get(key) !== REMOVED) this.#pending.delete(key)
    }
    return DONE
  }

  /** @param idNow - the id of the real session afterwards, should one have begun */
  close(idNow: string): Outcome {
    return this.#pending.size === 0 ? DONE : this.#commit(this.#pending, idNow)
  }

  update(key: string, fn: (value: unknown) => unknown, idNow: string): Outcome {
    const stored = this.#isThere ? this.#stored.load(this.id ?? '', key) : undefined
    const value = fn(applied(stored?.data ?? new Map(), this.#pending).get(key))
    const outcome = this.#commit(new Map([...this.#pending, [key, value]]), idNow)
    return outcome.error === undefined ? { value } : outcome
  }

  removeAll(): Outcome {
    this.#pending = new Map()
    if (this.#mayExist) this.#stored.remove(this.id ?? '')
    this.#wasThere = false
    this.#forget()
    return DONE
  }

  regenerate(keepOld: boolean, newId: string): Outcome {
    const isThere = this.#isThere
    if (!isThere && this.#wasThere) return GONE
    const changes = this.#pending
    this.#pending = new Map()
    const oldId = this.id ?? ''
    if (!isThere) this.#forget()
    this.id = newId
    if (!isThere) {
      if (addsSomething(changes)) this.#begin(changes)
      return DONE
    }
    this.#stored.copy(oldId, newId)
    this.#stored.merge(newId, changes)
    if (!keepOld) this.#stored.remove(oldId)
    this.#exists = this.#wasThere = true
    this.#follow(changes)
    return DONE
  }

  get #mayExist(): boolean {
    return this.id !== undefined && this.#exists !== false
  }

  get #isThere(): boolean {
    return this.#mayExist && this.#stored.has(this.id ?? '')
  }

  #load(key?: string): void {
    if (!this.#mayExist || this.#known === 'all') return
    if (key !== undefined && this.#known.has(key)) return
    const loaded = this.#stored.load(this.id ?? '', key)
    if (loaded === undefined) {
      this.#forget()
      return
    }
    this.#exists = this.#wasThere = true
    if (loaded.isAll) this.#knowAll(loaded.data)
    else {
      this.#snapshot = new Map([...this.#snapshot, ...loaded.data])
      this.#known.add(key ?? '')
    }
  }

  #commit(changes: Data, idNow: string): Outcome {
    const isThere = this.#isThere
    if (!isThere && this.#wasThere) return GONE
    this.#pending = new Map()
    if (isThere) {
      this.#stored.merge(this.id ?? '', changes)
      this.#exists = this.#wasThere = true
      this.#follow(changes)
    } else {
      this.#forget()
      if (addsSomething(changes)) {
        this.id = idNow
        this.#begin(changes)
      }
    }
    return DONE
  }

  /** Where nothing was read yet, there is nothing that follows. */
  #follow(changes: Data): void {
    if (this.#known === 'all' || this.#known.size > 0) {
      this.#snapshot = applied(this.#snapshot, changes)
    }
  }

  #begin(changes: Data): void {
    const data = applied(new Map(), changes)
    this.#stored.merge(this.id ?? '', data)
    this.#exists = this.#wasThere = true
    this.#knowAll(data)
  }

  #knowAll(data: Data): void {
    this.#snapshot = new Map(data)
    this.#known = 'all'
  }

  #forget(): void {
    this.#exists = false
    this.#knowAll(new Map())
    this.id = undefined
  }
}

function addsSomething(changes: Data): boolean {
  return [...changes.values()].some(value => value !== REMOVED)
}
