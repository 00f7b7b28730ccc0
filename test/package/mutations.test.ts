import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { MUTATIONS } from '../../scripts/mutations.mjs'

const at = (path: string): URL => new URL(`../../${path}`, import.meta.url)

describe('the lines that npm run mutate breaks', () => {
  it('are a hundred or more, each under a name of its own', () => {
    const names = MUTATIONS.map(({ file, name }) => `${file}: ${name}`)
    expect(names.length).toBeGreaterThanOrEqual(100)
    expect(new Set(names).size).toBe(names.length)
  })

  it.each(MUTATIONS)('$file: $name', ({ file, from, to, tests }) => {
    const places = readFileSync(at(file), 'utf8').split(from).length - 1
    expect(places, `how often ${file} holds ${from}`).toBe(1)
    expect(to).not.toBe(from)
    expect(tests.filter(path => !existsSync(at(path)))).toEqual([])
  })
})
