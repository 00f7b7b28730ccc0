import type { Manager } from '../core/manager.ts'
import type { SessionData } from '../core/storage.ts'

/** Stores a new session in one request, and answers its id. */
export async function beginSession(manager: Manager, data: SessionData): Promise<string> {
  const session = manager.new()
  await session.setMap(data)
  await session.close()
  return session.id()
}

/** What another request sees of a session. */
export function dataOf(manager: Manager, id: string): Promise<SessionData> {
  return manager.new(id).data()
}
