import { describe, it } from 'vitest'
import { StorageMemory } from '../../src/storages/memory.ts'
import { storageContract } from '../../src/testing/index.ts'
import { KeyStorage, PortedStorage, WholeStorage } from './custom-storages.ts'

storageContract(
  { describe, it },
  { name: 'a storage of whole sessions', open: clock => new WholeStorage(clock) },
)

storageContract(
  { describe, it },
  { name: 'a storage key by key', open: clock => new KeyStorage(clock) },
)

for (const Kind of [WholeStorage, KeyStorage]) {
  storageContract(
    { describe, it },
    { name: `a ported ${Kind.name}`, open: clock => new PortedStorage(new Kind(clock)) },
  )
}

storageContract(
  { describe, it },
  { name: 'a storage with a clock of its own', hasOwnClock: true, open: () => new StorageMemory() },
)
