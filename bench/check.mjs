// Whether a subject does what is timed: asked before any sample, on a server that nobody has asked yet.
import { ask } from './client.mjs'
import { ANSWER, NO_VALUE, WRONG } from './subjects/work.mjs'

/** Throws an error that names the subject and the case, for the first answer that is wrong. */
export async function checkSubject({ subject, url }) {
  const fail = (name, what, found) => {
    throw new Error(`${subject.name}, ${name}: ${what} expected, not ${found}`)
  }
  const expectBody = async (name, cookie, body) => {
    const answer = await ask(url, name, cookie).catch(error =>
      fail(name, 'an answer', error.message),
    )
    if (answer.body !== body) fail(name, body, answer.body)
    return answer
  }
  const expect = async (name, cookie) => {
    const answer = await expectBody(name, cookie, ANSWER)
    const cookies = subject.cookies[name]
    if (answer.set.length !== cookies) fail(name, `${cookies} Set-Cookie`, answer.set.length)
    return answer
  }
  if (subject.cases.includes('bare')) return expectBody('bare', undefined, ANSWER)
  const can = name => subject.cases.includes(name)
  let { cookie } = await expect('login')
  const { cookie: another } = await expect('login')
  if (can('untouched')) await expect('untouched', cookie)
  if (can('read')) await expect('read', cookie)
  if (can('write')) {
    for (const written of ['1', '2']) {
      // A session that is in the cookie has gone there.
      cookie = (await expect('write', cookie)).cookie || cookie
      if (subject.library !== 'write + rename') await expectBody('value', cookie, written)
    }
    if (can('read')) await expectBody('value', another, NO_VALUE)
  }
  if (can('read')) await expect('read', cookie)
  if (!can('logout')) return undefined
  await expectBody('read', undefined, WRONG)
  await expect('logout', cookie)
  if (subject.storage !== 'cookie') await expectBody('read', cookie, WRONG)
  return expect('read', another)
}

/** Whether the sessions that were written to under load have what was written. */
export async function checkWritten({ subject, url }, cookies) {
  for (const cookie of cookies) {
    const { body } = await ask(url, 'value', cookie)
    if (!(Number(body) > 0)) throw new Error(`${subject.name}: a write was lost: ${body}`)
  }
}

/** How many connections find another number than the last that they were told was written. */
export async function countLost({ url }, cookies, written) {
  let lost = 0
  const bodies = new Map()
  for (const [number, last] of written.entries()) {
    const cookie = cookies[number]
    if (!bodies.has(cookie))
      bodies.set(cookie, JSON.parse((await ask(url, 'contended', cookie)).body))
    // One more may have been written whose answer did not come before the end of the sample.
    if (!(bodies.get(cookie)[`k${number}`] >= last)) lost++
  }
  return lost
}
