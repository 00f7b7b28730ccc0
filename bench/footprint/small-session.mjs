import { encodeData } from 'gsession'

/** A session whose record is 200 bytes long: who is signed in, and little more. */
export const smallSession = {
  name: 'Ada Lovelace',
  userId: 4711,
  roles: ['customer', 'editor'],
  csrf: 'b5e1f8d7c2a94f0e8b7d6c5a493827160f1e2d3c4b5a69788796a5b4c3d2e1f0',
  locale: 'en-GB',
  visits: 1042,
  since: '2026-11-20T10:15Z',
}

/** The same as a server keeps it: it notes when it has set the session's cookie, which is now. */
export const storedSession = { ...smallSession, __gsession: { cookie: Date.now() } }

export const storedRecord = encodeData(storedSession)
