import { Manager, SessionError, StorageMemory } from 'gsession'
import { type CookieOptions, session } from 'gsession/http'
import { describe, expect, it } from 'vitest'

const manager = new Manager({ storage: new StorageMemory() })

/** What was meant, and what was written. */
const MISSPELT: Readonly<Record<string, readonly string[]>> = {
  '__Host-': [
    ...['Host__sid', 'host__sid', '_Host__sid', 'Host--sid', 'Host-sid', 'Host-Session'],
    ...['_Host-sid', '_host-sid', '_Host_sid', '-Host-sid', '--Host-sid', '___Host-sid'],
    ...['__Host_sid', '__host_sid', '__HOST_SID', '__Host.sid', '__Host', '__host', '_Host'],
    ...['__Hostsid', '__HostSid', '__Hosts-sid', '_-Host-sid', '_HostSession'],
  ],
  '__Secure-': [
    ...['__Secure_sid', '__secure_sid', 'Secure__sid', 'Secure-sid', '_Secure-sid'],
    ...['___Secure-sid', '__SecureSid', '__Secured-sid', '_secure-sid', '__Secure'],
  ],
  '__Http-': [
    ...['__Http_sid', '__HttpOnly-sid', '__http_sid', 'Http__sid', '_Http-sid', '__Https-sid'],
  ],
  '__Host-Http-': [
    ...['__HostHttp-sid', '__Host_Http-sid', '__Host_Http_sid', '__HostHttpOnly-sid'],
    ...['_Host-Http-sid', 'Host-Http-sid', '___Host-Http-sid'],
  ],
}

describe('a name that means to be protected, and is not, is refused at construction', () => {
  const each = Object.entries(MISSPELT).flatMap(([prefix, names]) =>
    names.map(name => ({ name, prefix })),
  )
  it.each(each)('$name, which should begin with $prefix', ({ name, prefix }) => {
    const attributes: CookieOptions[] = [{}, { secure: false }, { secure: true, path: '/app' }]
    for (const cookie of attributes) {
      expect(() => session(manager, { name, cookie })).toThrow(
        new SessionError(
          'ERR_OPTION',
          `Expected \`name\` to be spelt with \`${prefix}\` in front, or another name, got "${name}"`,
        ),
      )
    }
  })
})

describe('a name that means nothing of the kind is taken', () => {
  it.each([
    ...['host', 'Host', 'HOST', 'secure', 'http', 'hostname', '__hostname', '__hosting-sid'],
    ...['host_session', 'host-session', 'Host_session', '_host_session', 'HOST-SID', 'my__host'],
    ...['HostSession', 'hostess-id', 'secure_sid', 'secure-session', '_secure_sid'],
    ...['SecureSession', 'http_session', 'http-session', 'HttpSession', 'https-sid', 'httpd__sid'],
    ...['ghost-sid', 'Ghost-sid', '__ghost-sid', 'app-Host-sid', 'sid__Host-', 'insecure__sid'],
    ...['__session', '__app-session', '_app_session', '__sid', 'gfsessionid', 'connect.sid'],
  ])('%s', name => {
    expect(() => session(manager, { name })).not.toThrow()
  })
})

describe('a name that browsers protect is taken, whatever follows and in any letter case', () => {
  it.each([
    ...['__Host-sid', '__Secure-sid', '__Http-sid', '__Host-Http-sid', '__Host-', '__Host--sid'],
    ...['__host-sid', '__SECURE-sid', '__http-sid', '__host-http-sid', '__Host-http_session'],
    ...['__Host-host_session', '__Host-httpd', '__Secure-Host-sid', '__Http-Host-sid'],
  ])('%s', name => {
    expect(() => session(manager, { name })).not.toThrow()
  })
})
