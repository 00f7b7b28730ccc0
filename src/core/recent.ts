/** As many as have a request at the same time, each of which may ask for its keys several times. */
const MAX_NEW = 32
/** A power of two, several times as many as are kept, so that few have the same place. */
const MAX_LATELY = 32_768
/** So many of a key's last characters tell keys apart: those of ids and hashes are chance. */
const TELLING_CHARACTERS = 8

/**
 * What was set last, by key, within a budget. What is set for the first time in a while soon makes
 * place for the next such: of a million sessions that come once each, those kept for long enough to be
 * copied by the garbage collector would cost more than to make them anew. What is set again later stays
 * until others like it fill the budget. (This is the order of replacement called 2Q.)
 */
export class Recent<Value> {
  readonly #new = new Generations<Value>(MAX_NEW)
  readonly #again: Generations<Value>
  /** What weighs more is not kept: a few such would take the place of all others. */
  readonly #heaviest: number
  /** Of the keys that have the same place here, a trace of the one that was set last. */
  readonly #lately = new Int32Array(MAX_LATELY)

  /** @param budget - what is kept weighs three times as much at most */
  constructor(budget: number) {
    this.#again = new Generations(budget)
    this.#heaviest = budget / 2
  }

  get(key: string): Value | undefined {
    return this.#again.get(key) ?? this.#new.get(key)
  }

  set(key: string, value: Value, weight = 1): void {
    if (weight > this.#heaviest) this.#delete(key)
    else if (this.#again.get(key) !== undefined) this.#again.set(key, value, weight)
    else if (this.#new.get(key) !== undefined) this.#new.set(key, value, this.#shareOf(weight))
    else this.add(key, value, weight)
  }

  /** The same for a key that `get` has just found nothing of. */
  add(key: string, value: Value, weight = 1): void {
    if (weight > this.#heaviest) return
    if (this.#wasSetLately(key)) this.#again.set(key, value, weight)
    else this.#new.set(key, value, this.#shareOf(weight))
  }

  /** What was kept of the key is out of date. */
  #delete(key: string): void {
    this.#new.delete(key)
    this.#again.delete(key)
  }

  /** How many of the few that came once it counts for: heavy ones are fewer. */
  #shareOf(weight: number): number {
    return Math.max(1, (weight / this.#heaviest) * MAX_NEW)
  }

  /** Whether the key was set before, as far as is known; from now on it was. */
  #wasSetLately(key: string): boolean {
    const trace = traceOf(key)
    const place = trace & (MAX_LATELY - 1)
    const was = this.#lately[place] === trace
    this.#lately[place] = trace
    return was
  }
}

/**
 * Drops what is old in one step. (An exact order on a plain Map takes microseconds a step, since V8
 * walks the holes that deleted entries left.)
 */
class Generations<Value> {
  readonly #budget: number
  #young = new Map<string, Value>()
  #old = new Map<string, Value>()
  #weight = 0

  constructor(budget: number) {
    this.#budget = budget
  }

  get(key: string): Value | undefined {
    return this.#young.get(key) ?? this.#old.get(key)
  }

  delete(key: string): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }

  set(key: string, value: Value, weight: number): void {
    this.#weight += weight
    if (this.#weight > this.#budget) {
      this.#old = this.#young
      this.#young = new Map()
      this.#weight = weight
    }
    this.#young.set(key, value)
  }
}

/** A number that few keys share. */
function traceOf(key: string): number {
  let trace = 0
  for (let at = Math.max(0, key.length - TELLING_CHARACTERS); at < key.length; at++)
    trace = (Math.imul(trace, 31) + key.charCodeAt(at)) | 0
  return trace
}
