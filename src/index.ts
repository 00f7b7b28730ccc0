export { Session } from './core/session.ts'
export { Manager } from './core/manager.ts'
export { StorageMemory } from './storages/memory.ts'
