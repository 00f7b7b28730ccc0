import { expressAdapters } from './apps/express.ts'
import { adapterContract } from './contract.ts'

for (const adapter of expressAdapters) adapterContract(adapter)
