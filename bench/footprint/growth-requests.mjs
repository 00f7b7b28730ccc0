// What a whole request costs as sessions grow in number: its visitor is chosen by chance among all.
import { ANSWER } from '../subjects/work.mjs'
import { someIds } from './sessions.mjs'

const CONNECTIONS = 32
/** So many that hardly a visitor comes twice in a sample. */
const VISITORS_PER_CONNECTION = 600
const SECONDS = 0.4
const WARMING_SECONDS = 0.2

/** Microseconds of a core for each request to `/read` or `/write`, of a server that has `count` sessions. */
export async function sampleRequests(load, { url, path, count }) {
  await ask(load, { url, path, count, seconds: WARMING_SECONDS })
  const { perSecond } = await ask(load, { url, path, count, seconds: SECONDS })
  return 1e6 / perSecond
}

async function ask(load, { url, path, count, seconds }) {
  const plans = Array.from({ length: CONNECTIONS }, () =>
    someIds(VISITORS_PER_CONNECTION, count).map(id => ({ path: `/${path}`, cookie: `sid=${id}` })),
  )
  const task = { url, expected: ANSWER, connections: CONNECTIONS, seconds, plans }
  const result = await load.ask(task)
  if (result.wrong > 0) throw new Error(`${url}, ${path}: ${result.wrong} wrong answers`)
  return result
}
