import { testWebExample } from './web-example.ts'

testWebExample('express')
