/** Time that stands still until it is let go, and then passes as it does. */
export interface HeldTime {
  readonly clock: () => number
  letGo(): void
}

/** For a short ttl that must not end before a test has come to it, however slow the machine is. */
export function heldTime(): HeldTime {
  const heldAt = Date.now()
  let wentAt: number | undefined
  return {
    clock: () => (wentAt === undefined ? heldAt : heldAt + Date.now() - wentAt),
    letGo() {
      wentAt = Date.now()
    },
  }
}
