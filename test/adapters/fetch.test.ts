import { fetchAdapters } from './apps/fetch.ts'
import { adapterContract } from './contract.ts'

for (const adapter of fetchAdapters) adapterContract(adapter)
