/**
 * In the place of `node:timers`: timers that a test can fake, as it can the global ones. To be mocked
 * before the library is imported, which keeps Node's own:
 *
 * @example
 * vi.mock('node:timers', async () => {
 *   const { nodeTimers } = await import('../helpers/global-timers.ts')
 *   return { default: nodeTimers }
 * })
 */
export const nodeTimers = {
  setTimeout: (work: () => void, delay: number) => globalThis.setTimeout(work, delay),
  clearTimeout: (timer: NodeJS.Timeout | undefined) => globalThis.clearTimeout(timer),
  setImmediate: (work: () => void) => globalThis.setImmediate(work),
}
