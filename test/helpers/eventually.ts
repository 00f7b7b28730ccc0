import { vi } from 'vitest'

/**
 * Waits until a check passes. Its time is for machines that do other work at the same moment: a test
 * that waits for nothing else fails by its own timeout.
 */
export function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, { timeout: 20_000, interval: 10 })
}
