import { testWebExample } from './web-example.ts'

testWebExample('nest')
