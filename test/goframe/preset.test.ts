import { goframe } from 'gsession'
import { describe, expect, it } from 'vitest'
import { codeOf } from '../helpers/core-sessions.ts'

describe('goframe()', () => {
  it("gives GoFrame's defaults", () => {
    expect(goframe()).toEqual({
      manager: { ttl: '24h', idAtRest: 'plain' },
      file: { path: '/tmp/gsessions/default' },
      redis: { idAtRest: 'plain' },
      http: { name: 'gfsessionid', header: 'gfsessionid' },
    })
  })

  it('takes what Go was told', () => {
    const options = { ttl: '1h', name: 'sid2', prefix: 'app:', path: '/srv', crypto: true } as const
    expect(goframe(options)).toEqual({
      manager: { ttl: '1h', idAtRest: 'plain' },
      file: { path: '/srv', encryption: { insecureGoFrame: true } },
      redis: { prefix: 'app:', idAtRest: 'plain' },
      http: { name: 'sid2', header: 'sid2' },
    })
  })

  it.each([{ cookie: 'sid' }, { crypto: 'yes' }])('refuses %o', async options => {
    const call = async (): Promise<unknown> => goframe(options as object)
    expect(await codeOf(call())).toBe('ERR_OPTION')
  })
})
