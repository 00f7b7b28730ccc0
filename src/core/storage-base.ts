import { ErrorDisabled } from './errors.ts'
import type { SessionData, Storage } from './storage.ts'

/**
 * The base of your own storage: all eleven methods reject with {@link ErrorDisabled} until you
 * override them. Which ones you need is told at {@link Storage}.
 *
 * @example
 * class StorageTable extends StorageBase {
 *   override async getSession(id: string) {
 *     const row = await db.get('SELECT text FROM sessions WHERE id = ? AND expires > ?', id, Date.now())
 *     return row && decodeData(row.text)
 *   }
 *   override async setSession(id: string, data: SessionData, ttl: number) {
 *     await db.run('REPLACE INTO sessions VALUES (?, ?, ?)', id, encodeData(data), Date.now() + ttl)
 *   }
 *   override async updateTTL(id: string, ttl: number) {
 *     await db.run('UPDATE sessions SET expires = ? WHERE id = ?', Date.now() + ttl, id)
 *   }
 *   override async removeAll(id: string) {
 *     await db.run('DELETE FROM sessions WHERE id = ?', id)
 *   }
 * }
 */
export class StorageBase implements Storage {
  new(_ttl: number): Promise<string> {
    return disabled()
  }

  get(_id: string, _key: string): Promise<unknown> {
    return disabled()
  }

  data(_id: string): Promise<SessionData | undefined> {
    return disabled()
  }

  getSize(_id: string): Promise<number> {
    return disabled()
  }

  set(_id: string, _key: string, _value: unknown, _ttl: number): Promise<void> {
    return disabled()
  }

  setMap(_id: string, _data: SessionData, _ttl: number): Promise<void> {
    return disabled()
  }

  remove(_id: string, _key: string): Promise<void> {
    return disabled()
  }

  removeAll(_id: string): Promise<void> {
    return disabled()
  }

  getSession(_id: string, _ttl: number): Promise<SessionData | undefined | null> {
    return disabled()
  }

  setSession(_id: string, _data: SessionData, _ttl: number): Promise<void> {
    return disabled()
  }

  updateTTL(_id: string, _ttl: number): Promise<void> {
    return disabled()
  }
}

function disabled(): Promise<never> {
  return Promise.reject(ErrorDisabled)
}
