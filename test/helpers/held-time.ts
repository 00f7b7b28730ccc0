/** Time that stands still until it is let go, and then passes as it does. */
export interface HeldTime {
  readonly clock: () => number
  /** Sets it forward, in milliseconds. */
  pass(time: number): void
  letGo(): void
}

/** For a short ttl that must not end before a test has come to it, however slow the machine is. */
export function heldTime(): HeldTime {
  let heldAt = Date.now()
  let wentAt: number | undefined
  return {
    clock: () => (wentAt === undefined ? heldAt : heldAt + Date.now() - wentAt),
    pass(time) {
      heldAt += time
    },
    letGo() {
      wentAt = Date.now()
    },
  }
}
