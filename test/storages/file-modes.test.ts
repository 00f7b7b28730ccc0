import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { StorageFile } from 'gsession'
import { expect, it, onTestFinished } from 'vitest'
import { tempFolder } from '../helpers/temp-folder.ts'

it.skipIf(process.platform === 'win32')(
  'all that a file storage makes is its user’s alone',
  async () => {
    const umask = process.umask(0)
    onTestFinished(() => void process.umask(umask))
    const path = join(tempFolder(), 'sessions')
    const storage = new StorageFile({ path })
    await storage.setSession('one', { a: 1 }, 60_000)
    const modes = ['', ...readdirSync(path, { recursive: true, encoding: 'utf8' })].map(name => {
      const stats = lstatSync(join(path, name))
      return [stats.isDirectory(), (stats.mode & 0o777).toString(8)]
    })
    expect(modes.length).toBeGreaterThan(2)
    for (const [isFolder, mode] of modes) expect(mode).toBe(isFolder ? '700' : '600')
  },
)
