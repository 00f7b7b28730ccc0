import { fastifyAdapters } from './apps/fastify.ts'
import { adapterContract } from './contract.ts'

for (const adapter of fastifyAdapters) adapterContract(adapter)
