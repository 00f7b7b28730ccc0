/**
 * What was set or asked for last, by key, within a budget; what was not for longer is dropped in one
 * step. (An exact order on a plain Map takes microseconds a step, since V8 walks the holes that
 * deleted entries left.)
 */
export class Recent<Value> {
  readonly #budget: number
  #young = new Map<string, Value>()
  #old = new Map<string, Value>()
  #weight = 0

  /** @param budget - the sum of the weights that half of what is kept may reach */
  constructor(budget: number) {
    this.#budget = budget
  }

  get(key: string): Value | undefined {
    return this.#young.get(key) ?? this.#old.get(key)
  }

  set(key: string, value: Value, weight = 1): void {
    this.#weight += weight
    if (this.#weight > this.#budget) {
      this.#old = this.#young
      this.#young = new Map()
      this.#weight = weight
    }
    this.#young.set(key, value)
  }
}
