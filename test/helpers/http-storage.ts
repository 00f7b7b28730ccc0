import { setTimeout as wait } from 'node:timers/promises'
import { type AtomicVerbs, StorageMemory } from 'gsession'

const VERBS = ['create', 'load', 'merge', 'rotate', 'refresh', 'destroy'] as const
export type Verb = (typeof VERBS)[number]

/** What the manager calls beside the verbs, which is let through. */
const OTHER_METHODS: readonly (string | symbol)[] = ['close', 'watch', 'peek']

/** What happens when a verb is called; `proceed` asks the storage itself. */
export type Interception = (verb: Verb, proceed: () => unknown) => unknown

/** A storage whose verbs go through a function of the test. */
export function interceptStorage(
  intercept: Interception,
  storage: StorageMemory = new StorageMemory(),
): StorageMemory {
  return new Proxy(storage, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      if (!isVerb(name)) return OTHER_METHODS.includes(name) ? member.bind(target) : member
      return (...args: unknown[]) => intercept(name, () => Reflect.apply(member, target, args))
    },
  })
}

function isVerb(name: string | symbol): name is Verb {
  return VERBS.includes(name as Verb)
}

/** A storage that notes which verbs are called. */
export function countCalls(inner?: StorageMemory): {
  storage: StorageMemory
  calls: (keyof AtomicVerbs)[]
} {
  const calls: Verb[] = []
  const storage = interceptStorage((verb, proceed) => {
    calls.push(verb)
    return proceed()
  }, inner)
  return { storage, calls }
}

/** A storage that can be told to fail. */
export function failOnDemand(inner?: StorageMemory): {
  storage: StorageMemory
  failWith(error: Error, ...verbs: Verb[]): void
  recover(): void
} {
  let failing: readonly Verb[] = []
  let failure = new Error('not told to fail')
  const storage = interceptStorage((verb, proceed) => {
    if (failing.includes(verb)) throw failure
    return proceed()
  }, inner)
  return {
    storage,
    failWith(error, ...verbs) {
      failure = error
      failing = verbs.length === 0 ? VERBS : verbs
    },
    recover() {
      failing = []
    },
  }
}

const WRITES: readonly Verb[] = ['create', 'merge', 'rotate', 'destroy']

/** A storage whose writes take a while, and are not there before. */
export function delayWrites(delay: number): { storage: StorageMemory; written(): number } {
  let written = 0
  const storage = interceptStorage(async (verb, proceed) => {
    if (!WRITES.includes(verb)) return proceed()
    await wait(delay)
    const result = proceed()
    written++
    return result
  })
  return { storage, written: () => written }
}
