import {
  type ManagerOptions,
  type ManagerOptionsWithStorage,
  Manager as ManagerWithStorage,
} from './core/manager.ts'
import { refuseOption } from './core/options.ts'
import { StorageFile } from './storages/file.ts'

export type {
  AtomicStorage,
  AtomicVerbs,
  Awaitable,
  Loaded,
  Rotation,
} from './core/atomic-storage.ts'
export { isAtomicStorage } from './core/atomic-storage.ts'
export type { Changes, EncodedData, KeyUpdate } from './core/changes.ts'
export type { Clock } from './core/clock.ts'
export type { Duration } from './core/duration.ts'
export { ErrorDisabled, SessionError, type SessionErrorCode } from './core/errors.ts'
export type { SessionIdFunc } from './core/make-id.ts'
export type { ManagerOptions } from './core/manager.ts'
export type { Register, RegisteredData } from './core/register.ts'
export { Session } from './core/session.ts'
export { isSessionId, newSessionId } from './core/session-id.ts'
export type { KeyOf, ValueOr } from './core/session-types.ts'
export type { WatchableStorage } from './core/session-watch.ts'
export type { SchemaIssue, SchemaResult, StandardSchema } from './core/standard-schema.ts'
export type { SessionData, Storage } from './core/storage.ts'
export { StorageBase } from './core/storage-base.ts'
export type { CallOptions } from './core/storage-call.ts'
export { Var } from './core/var.ts'
export {
  type GoFrameOptions,
  type GoFramePreset,
  type GoFrameRedisPreset,
  goframe,
} from './goframe.ts'
export { currentSession } from './http/current-session.ts'
export { openStorage } from './open-storage.ts'
export { StorageFile, type StorageFileOptions } from './storages/file.ts'
export type { EncryptionKey } from './storages/file-encryption.ts'
export { StorageMemory, type StorageMemoryOptions } from './storages/memory.ts'
export { decodeData, encodeData } from './storages/record.ts'

/**
 * Makes the sessions of one application: holds their ttl and their storage, and gathers ttl
 * refreshes. Make one at start, and `close` it at the end. Without a `storage` option the sessions
 * are kept in files: `new StorageFile()`.
 */
export class Manager<
  Data extends object = Record<string, unknown>,
> extends ManagerWithStorage<Data> {
  /**
   * @throws {@link SessionError} `ERR_OPTION` for a value that an option does not take; `ERR_STORAGE`
   * when the default storage has no folder that it may use
   */
  constructor(options: ManagerOptions = {}) {
    super(withStorage(options))
  }
}

function withStorage(options: ManagerOptions): ManagerOptionsWithStorage {
  if (typeof options !== 'object' || options === null) {
    refuseOption('options', "an object such as { ttl: '1h' }", options)
  }
  return options.storage === undefined
    ? { ...options, storage: new StorageFile() }
    : { ...options, storage: options.storage }
}
