import { type HeaderValue, pairsOf } from './write-head-arguments.ts'

/**
 * A head's headers as the flat list that Node writes as it is, at a fraction of what it takes to set
 * them one by one. Names are compared as HTTP does: case does not matter.
 */
export class HeadList {
  /** Name, value, name, value. */
  readonly entries: HeaderValue[] = []

  /** @param headers - in any form that `writeHead` takes; they are copied */
  constructor(headers: unknown) {
    for (const [name, value] of pairsOf(headers)) this.entries.push(name, value)
  }

  /** The values of a name as one text, `undefined` when there are none. */
  get(name: string): string | undefined {
    const values: HeaderValue[] = []
    for (let at = this.#find(name, 0); at !== -1; at = this.#find(name, at + 2)) {
      values.push(this.entries[at + 1] ?? '')
    }
    return values.length === 0 ? undefined : values.flat().join(', ')
  }

  set(name: string, value: string): void {
    for (let at = this.#find(name, 0); at !== -1; at = this.#find(name, at)) {
      this.entries.splice(at, 2)
    }
    this.append(name, value)
  }

  append(name: string, value: string): void {
    this.entries.push(name, value)
  }

  /** Where the name stands, from a place on. */
  #find(name: string, from: number): number {
    const { entries } = this
    for (let at = from; at < entries.length; at += 2) {
      const other = String(entries[at])
      if (other.length === name.length && other.toLowerCase() === name.toLowerCase()) return at
    }
    return -1
  }
}
