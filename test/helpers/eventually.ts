import { vi } from 'vitest'
import { PATIENCE } from './patience.ts'

/** Waits until a check passes, and fails as it does when that never happens. */
export function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, { timeout: PATIENCE, interval: 10 })
}
