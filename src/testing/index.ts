export { storageContract } from './storage-contract.ts'
export type {
  SkippedTest,
  StorageSubject,
  TestFunction,
  TestRunner,
} from './storage-subject.ts'
