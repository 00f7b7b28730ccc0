import { type HeaderValue, pairsOf } from './write-head-arguments.ts'

/**
 * A head's headers as the flat list that Node writes as it is. Each name is there once, whatever its
 * case: Node may set them one by one all the same, and then the last of a name would be the only one.
 */
export class HeadList {
  /** Name, value, name, value. */
  readonly entries: HeaderValue[] = []

  /** @param headers - in any form that `writeHead` takes; they stay as they are */
  constructor(headers: unknown) {
    for (const [name, value] of pairsOf(headers)) this.append(name, value)
  }

  get(name: string): HeaderValue | undefined {
    const at = this.#find(name)
    return at === -1 ? undefined : this.entries[at + 1]
  }

  set(name: string, value: string): void {
    const at = this.#find(name)
    if (at === -1) this.entries.push(name, value)
    else this.entries[at + 1] = value
  }

  append(name: string, value: HeaderValue): void {
    const at = this.#find(name)
    if (at === -1) this.entries.push(name, value)
    // A new array: the one that is there is the application's, and may serve other visitors too.
    else this.entries[at + 1] = [this.entries[at + 1], value].flat() as string[]
  }

  names(): string[] {
    return this.entries.filter((_, at) => at % 2 === 0).map(String)
  }

  #find(name: string): number {
    const { entries } = this
    for (let at = 0; at < entries.length; at += 2) {
      const other = String(entries[at])
      if (other.length === name.length && other.toLowerCase() === name.toLowerCase()) return at
    }
    return -1
  }
}
