import { describe, expect, it } from 'vitest'
import { StorageMemory } from '../../src/storages/memory.ts'
import { type StorageSubject, storageContract } from '../../src/testing/index.ts'
import { inLong } from '../helpers/long.ts'
import { BROKEN } from './broken-storages.ts'

// Some wait ten seconds for what a broken storage never tells.
describe.concurrent('the storage contract', () => {
  for (const [defect, { open, foundBy }] of Object.entries(BROKEN)) {
    it(`finds a storage that ${defect}`, async () => {
      const isRun = inLong(
        () => true,
        (name: string, index: number) => name === foundBy || index < 3,
      )
      const { failed, passed } = await runContract({ name: defect, open }, isRun)
      expect(failed).toContain(foundBy)
      expect(passed).not.toEqual([])
    })
  }

  it('finds nothing wrong with a good storage', async () => {
    const { failed, passed } = await runContract(good)
    expect(failed).toEqual([])
    expect(passed.length).toBeGreaterThan(100)
  })

  it('has no two tests of one name', async () => {
    const { passed } = await runContract(good)
    expect(new Set(passed).size).toBe(passed.length)
  })

  it('leaves out what a subject skips, and reports the reason', async () => {
    const test = 'keeps a value of a megabyte'
    const all = await runContract(good)
    const { passed, skipped } = await runContract({
      ...good,
      skip: [{ test, reason: 'too large' }],
    })
    expect(skipped).toEqual([`${test} (too large)`])
    expect(passed).toEqual(all.passed.filter(name => name !== test))
  })

  it('refuses to skip a test that it does not have', () => {
    const skip = [{ test: 'keeps a megabyte', reason: 'misspelt' }]
    const run = () => storageContract({ describe: () => {}, it: () => {} }, { ...good, skip })
    expect(run).toThrow('no test named "keeps a megabyte"')
  })

  it('lets go of every storage that it opened, in the way that the subject says', async () => {
    let open = 0
    await runContract({
      name: 'counted',
      open(clock) {
        open++
        return new StorageMemory({ clock })
      },
      async close(storage) {
        open--
        await storage.close?.()
      },
    })
    expect(open).toBe(0)
  })
})

const good: StorageSubject = { name: 'good', open: clock => new StorageMemory({ clock }) }

interface Result {
  readonly passed: string[]
  readonly failed: string[]
  readonly skipped: string[]
}

/** Runs the contract with a runner of our own, which notes how each test ends. */
async function runContract(
  subject: StorageSubject,
  isRun: (name: string, index: number) => boolean = () => true,
): Promise<Result> {
  const tests: [string, () => Promise<void>][] = []
  const result: Result = { passed: [], failed: [], skipped: [] }
  const it = Object.assign((name: string, body: () => Promise<void>) => tests.push([name, body]), {
    skip: (name: string) => result.skipped.push(name),
  })
  storageContract({ describe: (_, body) => body(), it }, subject)
  for (const [name, body] of tests.filter(([name], index) => isRun(name, index))) {
    await body().then(
      () => result.passed.push(name),
      () => result.failed.push(name),
    )
  }
  return result
}
