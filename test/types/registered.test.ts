import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PROJECT = join(ROOT, 'test/types/registered')
const run = promisify(execFile)

it('gives what frameworks hand out the data type that was told in Register', async () => {
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc')
  const args = [compiler, '-p', PROJECT, '--listFiles']
  const { stdout } = await run(process.execPath, args).catch(error => error)
  const lines: string[] = stdout.trimEnd().split('\n')
  expect(lines.filter(line => !line.startsWith('/'))).toEqual([])
  for (const file of readdirSync(join(PROJECT, '.alone'))) {
    expect(lines).toContain(join(PROJECT, '.alone', file))
  }
})
