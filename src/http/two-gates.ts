import type { Gate } from './gate.ts'

/** The gates of two adapters on one response, as one: the head waits for both, in this order. */
export class TwoGates implements Gate {
  readonly #first: Gate
  readonly #second: Gate
  /** The one whose save has failed, or was needed once too often. */
  #failing: Gate

  constructor(first: Gate, second: Gate) {
    this.#first = first
    this.#second = second
    this.#failing = first
  }

  get isUsed(): boolean {
    return this.#first.isUsed || this.#second.isUsed
  }

  get needsSave(): boolean {
    return this.#first.needsSave || this.#second.needsSave
  }

  async save(): Promise<void> {
    for (const gate of [this.#first, this.#second]) {
      if (!gate.needsSave) continue
      this.#failing = gate
      await gate.save()
    }
  }

  writeHead(): void {
    this.#first.writeHead()
    this.#second.writeHead()
  }

  listHead(headers: unknown): readonly unknown[] {
    return this.#second.listHead(this.#first.listHead(headers))
  }

  /** What the other one still needs is saved with the answer in place of the one that was dropped. */
  failed(error: unknown): void {
    this.#failing.failed(error)
  }
}
