import { nestAdapters } from './apps/nest.ts'
import { adapterContract } from './contract.ts'

for (const adapter of nestAdapters) adapterContract(adapter)
