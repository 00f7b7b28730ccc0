import { honoAdapter } from './apps/hono.ts'
import { adapterContract } from './contract.ts'

adapterContract(honoAdapter)
