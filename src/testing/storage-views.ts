import type { Storage } from '../core/storage.ts'
import { StorageBase } from '../core/storage-base.ts'

/** The same storage without `close`, for a manager that shall leave it open. */
export function withoutClose(storage: Storage): Storage {
  return view(storage, (name, method) => (name === 'close' ? undefined : method))
}

/** The same storage, calling `asked` before each of its methods. */
export function watched(storage: Storage, asked: (method: string) => void): Storage {
  return view(storage, (name, method) => (...args) => {
    asked(name)
    return method(...args)
  })
}

type Method = (...args: unknown[]) => unknown

function view(
  storage: Storage,
  change: (name: string, method: Method) => Method | undefined,
): Storage {
  return new Proxy(storage, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      // A method that the storage does not offer must still look like one.
      const isOffered = value !== Reflect.get(StorageBase.prototype, name)
      if (typeof value !== 'function' || typeof name !== 'string' || !isOffered) return value
      return change(name, (...args) => Reflect.apply(value, target, args))
    },
  })
}
