import { type Manager, type Session, SessionError, type StorageMemory } from 'gsession'
import { type Gate, makeGate } from './gate.ts'
import { interceptStorage, type Verb } from './http-storage.ts'

/** Stores a session with this data, and answers its id. */
export async function begin(manager: Manager, data: Record<string, unknown>): Promise<string> {
  const session = manager.new()
  await session.setMap(data)
  await session.close()
  return session.id()
}

/** A session of a stored one that was read already. */
export async function loaded(manager: Manager, id: string): Promise<Session> {
  const session = manager.new(id)
  await session.data()
  return session
}

/** The code of the error that a promise rejects with, `undefined` when it resolves. */
export async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  try {
    await promise
    return undefined
  } catch (error) {
    return error instanceof SessionError ? error.code : String(error)
  }
}

/** A storage whose calls of one verb wait until the test lets them go, once `hold` was called. */
export function holdVerb(held: Verb): { storage: StorageMemory; hold(): Gate } {
  let gate: Gate | undefined
  const storage = interceptStorage(async (verb, proceed) => {
    if (verb === held) await gate?.opened
    return proceed()
  })
  return {
    storage,
    hold() {
      gate = makeGate()
      return gate
    },
  }
}
