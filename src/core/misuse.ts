import { SessionError } from './errors.ts'

const INSPECT = Symbol.for('nodejs.util.inspect.custom')
const HOW_TO_READ = 'read it with `await session.data()`'

/**
 * Makes a class of sessions tell whoever uses it as a plain object what to write instead, in sloppy code
 * too. It costs what is used well nothing: only what a session does not have gets as far as the end of
 * the prototypes.
 */
export function tellOfMisuse(prototype: { readonly isDirty: boolean }): void {
  Object.setPrototypeOf(prototype, new Proxy({}, { set: (_target, key) => refuseSet(String(key)) }))
  for (const name of Object.getOwnPropertyNames(prototype)) guardMember(prototype, name)
  const hidden = { configurable: true, enumerable: false, writable: true }
  Object.defineProperties(prototype, {
    [INSPECT]: {
      ...hidden,
      value(this: typeof prototype) {
        return `Session { isDirty: ${this.isDirty} } (${HOW_TO_READ})`
      },
    },
    toJSON: { ...hidden, value: () => `Session (${HOW_TO_READ})` },
  })
}

/** What is assigned in place of a method would be lost in silence, or shadow it. */
function guardMember(prototype: object, name: string): void {
  const member = Object.getOwnPropertyDescriptor(prototype, name)
  if (name === 'constructor' || !member?.configurable || member.set !== undefined) return
  const method: unknown = member.value
  const set = (): never => refuseSet(name)
  if (typeof method !== 'function') Object.defineProperty(prototype, name, { ...member, set })
  else {
    const asText = { value: () => refuseText(name) }
    Object.defineProperties(method, { [Symbol.toPrimitive]: asText, toJSON: asText })
    Object.defineProperty(prototype, name, { configurable: true, get: () => method, set })
  }
}

function refuseSet(key: string): never {
  const name = JSON.stringify(key)
  const advice = `\`await session.set(${name}, value)\`, or \`update\` to change it, or \`remove\``
  const message = `A session is no plain object, so nothing would store its property ${name}: write ${advice}`
  throw new SessionError('ERR_VALUE', message)
}

function refuseText(name: string): never {
  const advice = `write \`await session.${name}(...)\``
  throw new SessionError('ERR_VALUE', `\`session.${name}\` is a method and no value: ${advice}`)
}
