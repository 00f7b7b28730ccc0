// One server under test: node bench/http-server.mjs CASE STORAGE. Says its port, answers for its CPU time.
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeData, Manager, StorageFile, StorageMemory } from 'gsession'
import { session } from 'gsession/http'
import { sampleSession } from './sample.mjs'

const [, , name, storageName] = process.argv
const folder = mkdtempSync(join(tmpdir(), 'gsession-bench-'))
const storage = storageName === 'file' ? new StorageFile({ path: folder }) : new StorageMemory()
const manager = new Manager({ storage })
const body = 'x'.repeat(32)
const bytes = Buffer.from(`12345678${encodeData(sampleSession)}`)
let counter = 0

const handlers = {
  bare: (_request, response) => response.end(body),
  untouched: session(manager)((_request, response) => response.end(body)),
  read: session(manager)(async (request, response) => {
    const user = await request.session.get('name')
    response.end(user === 'Ada Lovelace' ? body : 'wrong')
  }),
  'write + rename': (_request, response) => {
    writePlainly(counter++ % 256)
    response.end(body)
  },
  write: session(manager)(async (request, response) => {
    await request.session.set('counter', ++counter)
    response.end(body)
  }),
}

/** The plainest atomic write: what any file storage must do at least. */
function writePlainly(number) {
  const path = join(folder, `plain-${number}`)
  writeFileSync(`${path}.tmp`, bytes)
  renameSync(`${path}.tmp`, path)
}

const ids = await Promise.all(
  Array.from({ length: 256 }, async () => {
    const made = manager.new()
    await made.setMap(sampleSession)
    await made.close()
    return made.id()
  }),
)

const server = createServer(handlers[name]).listen(0, () => {
  process.send({ port: server.address().port, ids })
})
process.on('message', message => {
  if (message === 'cpu') process.send({ cpu: process.cpuUsage() })
})
process.on('disconnect', () => {
  rmSync(folder, { recursive: true, force: true })
  process.exit()
})
