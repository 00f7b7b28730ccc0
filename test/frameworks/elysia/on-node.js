// Writes the program of the docs a second time, for Node: with the adapter that the docs name.
import { readFileSync, writeFileSync } from 'node:fs'

const text = readFileSync('server.ts', 'utf8')
const onNode = text.replace('new Elysia()', 'new Elysia({ adapter: node() })')
if (onNode === text) throw new Error('server.ts makes no new Elysia()')
writeFileSync('server-node.ts', `import { node } from '@elysiajs/node'\n${onNode}`)
