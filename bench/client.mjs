/** Asks a server once, as a visitor with this cookie would, and answers its body and what it set. */
export async function ask(url, path, cookie) {
  const response = await fetch(`${url}/${path}`, { headers: cookie ? { cookie } : {} })
  const body = await response.text()
  if (!response.ok) throw new Error(`/${path} answered ${response.status}: ${body}`)
  const set = response.headers.getSetCookie()
  return { body, set, cookie: cookieOf(set) }
}

/** As a Cookie header would have them: of one name the last. */
function cookieOf(set) {
  const pairs = set.map(line => line.split(';', 1)[0])
  return [...new Map(pairs.map(pair => [pair.slice(0, pair.indexOf('=')), pair])).values()].join(
    '; ',
  )
}

/** The cookies of so many new sessions. */
export async function logIn(url, path, count) {
  const cookies = []
  while (cookies.length < count) {
    const asked = Array.from({ length: 16 }, () => ask(url, path))
    for (const answer of await Promise.all(asked)) cookies.push(answer.cookie)
  }
  return cookies.slice(0, count)
}
