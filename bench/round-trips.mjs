// How often a request of a subject asks Redis something.
import { randomUUID } from 'node:crypto'
import { createClient } from 'redis'
import { ask } from './client.mjs'

const TIMES = 20

/**
 * Commands that the subject sends per request of each case: what MONITOR shows while requests are made one
 * after another, without the commands that a script runs inside of Redis.
 */
export async function countRoundTrips({ subject, url }, redisUrl) {
  const monitor = await connect(redisUrl)
  const marker = await connect(redisUrl)
  const waiting = new Map()
  let commands = 0
  await monitor.monitor(line => {
    const mark = /"echo" "([^"]+)"/i.exec(line)?.[1]
    if (mark) waiting.get(mark)()
    else if (!/^\S+ \[\d+ lua\]/.test(line)) commands++
  })
  const shown = async () => {
    const mark = randomUUID()
    const seen = new Promise(resolve => waiting.set(mark, resolve))
    await marker.echo(mark)
    await seen
    return commands
  }
  const counts = {}
  for (const name of subject.cases.filter(each => each !== 'mix')) {
    const cookies = []
    for (let n = 0; n < TIMES; n++) cookies.push((await ask(url, 'login')).cookie)
    // A cache has them now.
    for (const cookie of cookies) if (name === 'read') await ask(url, name, cookie)
    const before = await shown()
    for (const cookie of cookies) await ask(url, name, name === 'login' ? undefined : cookie)
    counts[name] = ((await shown()) - before) / TIMES
  }
  monitor.destroy()
  await marker.close()
  return counts
}

async function connect(url) {
  const client = createClient({ url })
  client.on('error', () => undefined)
  return client.connect()
}
