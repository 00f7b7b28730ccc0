import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const { exports: subpaths } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'))
const OURS = Object.keys(subpaths).filter(path => !['./package.json', './testing'].includes(path))

/** Imports every subpath where each of these throws, and says what is left behind. */
const PROGRAM = `
import crypto from 'node:crypto'
import timers from 'node:timers'
import { syncBuiltinESMExports } from 'node:module'
const imports = JSON.parse(process.argv[1])
const allowed = []
if (imports.allowed) for (const path of imports.allowed) await import(path)
const refuse = name => () => { throw new Error(name + ' at import') }
for (const name of ['randomBytes', 'randomFillSync', 'randomUUID', 'hash', 'createHash']) crypto[name] = refuse(name)
for (const name of ['setTimeout', 'setInterval', 'setImmediate']) timers[name] = globalThis[name] = refuse(name)
syncBuiltinESMExports()
const before = JSON.stringify(process.eventNames().map(name => [String(name), process.listenerCount(name)]))
for (const path of imports.ours) await import(path)
const after = JSON.stringify(process.eventNames().map(name => [String(name), process.listenerCount(name)]))
console.log(before === after ? 'nothing' : after)`

it('has no effect: no random bytes, no hashes, no timers, no listeners', () => {
  const ours = OURS.map(path => `gsession${path.slice(1)}`)
  const imports = JSON.stringify({ ours, allowed: ['@grpc/grpc-js'] })
  const args = ['--input-type=module', '--eval', PROGRAM, '--', imports]
  expect(execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' }).trim()).toBe(
    'nothing',
  )
})
