import type { NodeResponse } from './held-response.ts'

const NONE: readonly (() => void)[] = []

/**
 * Those who wait for a response to drain without being among its listeners: what compresses a
 * response hands them to its own stream, which never drains of what was held behind it.
 *
 * @returns the list of them, which grows
 */
export function drainListenersElsewhere(response: NodeResponse): readonly (() => void)[] {
  if (!Object.hasOwn(response, 'on')) return NONE
  const elsewhere: (() => void)[] = []
  const on: (type: string, listener: () => void) => unknown = response.on
  Object.assign(response, {
    on(type: string, listener: () => void) {
      const result = Reflect.apply(on, response, [type, listener])
      const isElsewhere = type === 'drain' && !response.rawListeners(type).includes(listener)
      if (isElsewhere) elsewhere.push(listener)
      return result
    },
  })
  return elsewhere
}
