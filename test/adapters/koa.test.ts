import { koaAdapters } from './apps/koa.ts'
import { adapterContract } from './contract.ts'

for (const adapter of koaAdapters) adapterContract(adapter)
