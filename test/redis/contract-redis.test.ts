import { contractOfKind } from './contract-of-kind.ts'

contractOfKind('redis')
