import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const folder = new URL('.', import.meta.url)
const texts = readdirSync(folder)
  .filter(name => name.endsWith('.test.ts'))
  .map(name => readFileSync(new URL(name, folder), 'utf8'))
  .join('\n')

/** A row is either the same on both sides, or has a test for each. */
const isTested = (row: number): boolean =>
  texts.includes(`'row ${row}: `) ||
  (texts.includes(`'row ${row}, GoFrame`) && texts.includes(`'row ${row}, here: `))

it('each of the forty behaviours of GoFrame has a test on both sides', () => {
  const rows = Array.from({ length: 40 }, (_, at) => at + 1)

  expect(rows.filter(row => !isTested(row))).toEqual([])
})
