import { SessionError } from './errors.ts'
import type { LimitedStorage } from './limited-storage.ts'
import { isSessionId, newSessionId } from './session-id.ts'

/** Makes the id of a new session; given the ttl in milliseconds. */
export type SessionIdFunc = (ttl: number) => string | Promise<string>

/** 22 characters of base64url are 132 bits, the first length above the 128 that ASVS 7.2.3 asks for. */
const SHORTEST_MADE_ID = 22
const ID_FUNC = 'The function given to `setIdFunc`'

/** The id that an application chose, if it has the shape of one. */
export function chooseId(id: string): string {
  if (isSessionId(id)) return id
  throw new SessionError(
    'ERR_ID',
    'Expected a session id to be 1 to 128 of the characters A-Z a-z 0-9 _ -',
  )
}

/** A new id: from the session's own function, else from the storage, else from the library. */
export async function makeId(
  storage: Pick<LimitedStorage, 'newId'>,
  ttl: number,
  idFunc: SessionIdFunc | undefined,
): Promise<string> {
  if (idFunc !== undefined) return checkMadeId(await callIdFunc(idFunc, ttl), ID_FUNC)
  const id = await storage.newId(ttl)
  return id === undefined ? newSessionId() : checkMadeId(id, "The storage's `new`")
}

async function callIdFunc(idFunc: SessionIdFunc, ttl: number): Promise<string> {
  try {
    return await idFunc(ttl)
  } catch (cause) {
    throw new SessionError('ERR_ID', `${ID_FUNC} failed`, { cause })
  }
}

function checkMadeId(id: unknown, maker: string): string {
  if (isSessionId(id) && id.length >= SHORTEST_MADE_ID) return id
  const expected = `${SHORTEST_MADE_ID} to 128 of the characters A-Z a-z 0-9 _ -, hard to guess`
  throw new SessionError('ERR_ID', `${maker} must return ids of ${expected}`)
}
