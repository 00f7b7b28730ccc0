// The server under test, one process for each subject: node bench/server.mjs NAME REDIS FOLDER. It says its
// port, and at the end of each sample what the sample has cost it.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createClient } from 'redis'
import { becomeIdle } from './idle.mjs'
import { subjects } from './subjects/index.mjs'

const [, , name, redisUrl, folder] = process.argv
const subject = subjects.find(each => each.name === name)
// Without the timeout of node-redis 6, which would slow down the handlers written by hand four times.
const client = createClient({ url: redisUrl, commandOptions: { timeout: undefined } })
// At the end Redis may go first.
client.on('error', () => undefined)
if (subject.storage.startsWith('redis')) await client.connect()

const RESOLUTION = 1
const delay = monitorEventLoopDelay({ resolution: RESOLUTION })
let cpuBefore = process.cpuUsage()
let timeBefore = performance.now()

const answers = {
  begin() {
    delay.reset()
    delay.enable()
    cpuBefore = process.cpuUsage()
    timeBefore = performance.now()
  },
  async end() {
    const { user, system } = process.cpuUsage(cpuBefore)
    const cpu = user + system
    const share = cpu / 1000 / (performance.now() - timeBefore)
    delay.disable()
    // What is recorded is the time between two ticks, so it holds the tick itself.
    const p99 = Math.max(0, delay.percentile(99) / 1e6 - RESOLUTION)
    await becomeIdle()
    return { cpu, share, eventLoopP99: p99 }
  },
}

const server = await subject.open({ folder, client, prefix: `bench:${process.pid}:` })
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))
process.on('message', async question => process.send((await answers[question]()) ?? {}))
process.on('disconnect', () => process.exit())
