import type { Session } from '../../src/core/session.ts'

/** What a random program does with a session that a request has opened. */
export type SessionUse =
  | { readonly do: 'data' | 'size' | 'close' | 'removeAll' }
  | { readonly do: 'get' | 'contains' | 'update'; readonly key: string }
  | { readonly do: 'set'; readonly key: string; readonly value: unknown }
  | { readonly do: 'setMap'; readonly values: readonly (readonly [string, unknown])[] }
  | { readonly do: 'remove'; readonly keys: readonly string[] }
  | { readonly do: 'regenerate'; readonly keepOld: boolean }

export function useSession(session: Session, use: SessionUse): Promise<unknown> {
  switch (use.do) {
    case 'data':
      return session.data().then(asMap)
    case 'size':
      return session.size()
    case 'close':
      return session.close()
    case 'removeAll':
      return session.removeAll()
    case 'get':
      return session.get(use.key)
    case 'contains':
      return session.contains(use.key)
    case 'update':
      return session.update(use.key, increment)
    case 'set':
      return session.set(use.key, use.value)
    case 'setMap':
      // In an object made so, `__proto__` is a key like any other.
      return session.setMap(Object.fromEntries(use.values))
    case 'remove':
      return session.remove(...use.keys)
    case 'regenerate':
      return session.regenerateId({ keepOld: use.keepOld })
  }
}

/** What every `update` of a program does. */
export function increment(value: unknown): unknown {
  return typeof value === 'number' ? value + 1 : 1
}

export function asMap(data: object): Map<string, unknown> {
  return new Map(Object.entries(data))
}
