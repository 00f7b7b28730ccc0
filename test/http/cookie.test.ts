import { parseCookie } from 'cookie'
import fc from 'fast-check'
import { newSessionId } from 'gsession'
import { parseSetCookie } from 'set-cookie-parser'
import { CookieJar, Cookie as ToughCookie } from 'tough-cookie'
import { describe, expect, it } from 'vitest'
import {
  type CookieAttributes,
  findIdsInCookies,
  idCookie,
  LONGEST_COOKIE_AGE,
  removalCookie,
} from '../../src/http/cookie.ts'
import { inLong } from '../helpers/long.ts'

const id = newSessionId()
const other = newSessionId()

describe('findIdsInCookies', () => {
  it.each<[string, string, string | undefined]>([
    ['nothing', '', undefined],
    ['the only cookie', `sid=${id}`, id],
    ['the first of three', `sid=${id}; a=b; c=d`, id],
    ['the one in the middle', `a=b; sid=${id}; c=d`, id],
    ['the last', `a=b; sid=${id}`, id],
    ['without spaces', `a=b;sid=${id};c=d`, id],
    ['with spaces and tabs around it', `a=b; \t sid=${id}\t ;c=d`, id],
    ['with spaces around the value', `sid= ${id} `, id],
    ['with quotes', `sid="${id}"`, id],
    ['after empty cookies', `;; ;sid=${id};`, id],
    ['after a cookie without a name', `=x; sid=${id}`, id],
    ['after a cookie without a value', `a; b=; sid=${id}`, id],
    ['after a cookie with odd bytes', `a="\\x;, =ä%; sid=${id}`, id],
    ['two of them: the last (row 8)', `sid=${other}; sid=${id}`, id],
    ['two of them, the last malformed', `sid=${id}; sid=../x`, id],
    ['two of them, the last empty', `sid=${id}; sid=`, id],
    ['two of them, the first malformed', `sid=../x; sid=${id}`, id],
    ['the value of another one, as if it were one', `a=sid=${other}; sid=${id}`, id],
    ['one character', 'sid=a', 'a'],
    ['128 characters', `sid=${'a'.repeat(128)}`, 'a'.repeat(128)],
    ['an empty value (row 6)', 'sid=', undefined],
    ['an empty quoted value', 'sid=""', undefined],
    ['129 characters', `sid=${'a'.repeat(129)}`, undefined],
    ['a longer name', `xsid=${id}; my-sid=${id}; sid2=${id}; sid.=${id}`, undefined],
    ['a name in other letter case', `SID=${id}; Sid=${id}`, undefined],
    ['a name with a prefix', `__Host-sid=${id}; __Secure-sid=${id}`, undefined],
    ['a value only', `${id}; sid`, undefined],
    ['a value that looks like a pair', `a=sid=${id}; b="; c="sid=${id}"`, undefined],
    ['one quote', `sid="${id}`, undefined],
    ['quotes in quotes', `sid=""${id}""`, undefined],
    ['a space in the value', 'sid=a b', undefined],
    ['a comma instead of a semicolon', `sid=${id}, sid=${id}`, undefined],
    ['a line break', `sid=${id}\r\n`, undefined],
    ['a zero', `sid=${id}\0`, undefined],
    ['an encoded value', `sid=${encodeURIComponent('ä')}`, undefined],
  ])('%s', (_, header, found) => {
    expect(findIdsInCookies(header, 'sid')[0]).toBe(found)
  })

  it.each<[string, string, string[]]>([
    ['none', 'a=b', []],
    ['two: the last one first', `sid=${id}; a=b; sid=${other}`, [other, id]],
    ['the same one twice', `sid=${id}; sid=${other}; sid=${id}`, [id, other]],
    ['no malformed one', `sid=${id}; sid=../x; sid=; sid=${other}`, [other, id]],
    ['three at most', 'sid=a; sid=b; sid=c; sid=d', ['d', 'c', 'b']],
    ['three at most, whatever stands between', 'sid=a; sid=b; sid=; sid=c; sid=c', ['c', 'b', 'a']],
  ])('of several cookies: %s', (_, header, found) => {
    expect(findIdsInCookies(header, 'sid')).toEqual(found)
  })

  /** What other parsers took for the protected cookie, though a browser let any site set it. */
  it.each<[string, string]>([
    ['CVE-2020-7070: a name that becomes the prefix when decoded', `__%48ost-sid=${id}`],
    ['CVE-2020-7070: decoded in full', `%5f%5fHost-sid=${id}`],
    ['CVE-2022-31629: a dot for an underscore', `._Host-sid=${id}; ..Host-sid=${id}`],
    ['CVE-2022-31629: a bracket for an underscore', `_[Host-sid=${id}; [_Host-sid=${id}`],
    ['CVE-2022-31629: a space for an underscore', ` _Host-sid=${id}; _ Host-sid=${id}`],
    ['CVE-2023-23934: a cookie without a name', `=__Host-sid=${id}; ==__Host-sid=${id}`],
    [
      'GHSA-r5rp-j6wh-rvv4: NBSP before the name',
      `\u00a0__Host-sid=${id}; a=b;\u00a0__Host-sid=${id}`,
    ],
    ['NBSP behind the name', `__Host-sid\u00a0=${id}`],
    ['NBSP before the value', `__Host-sid=\u00a0${id}`],
    ['other blanks', [...'\v\f\u0085\u2028\ufeff'].map(c => `${c}__Host-sid=${id}`).join(';')],
    ['other letter case', `__host-sid=${id}; __HOST-sid=${id}`],
  ])('%s', (_, header) => {
    expect(findIdsInCookies(header, '__Host-sid')).toEqual([])
    expect(findIdsInCookies(`${header}; __Host-sid=${other}`, '__Host-sid')).toEqual([other])
  })

  /** The same rules, written to be read: split at semicolons, trim, compare, take the last three. */
  function reference(header: string, name: string): string[] {
    const trim = (text: string): string => text.replace(/^[ \t]+|[ \t]+$/g, '')
    const ids = header
      .split(';')
      .map(trim)
      .filter(pair => pair.startsWith(`${name}=`))
      .map(pair => trim(pair.slice(name.length + 1)).replace(/^"(.*)"$/s, '$1'))
      .filter(value => /^[A-Za-z0-9_-]{1,128}$/.test(value))
    return [...new Set(ids.reverse())].slice(0, 3)
  }

  const PIECES = [
    'sid',
    'xsid',
    'sid2',
    'SID',
    'a',
    'id-1',
    'id_2',
    '%73',
    '\u00a0',
    '\t',
    '\n',
    '\0',
  ]
  const header = fc
    .array(fc.constantFrom(...PIECES, ...'====;;;;;   "",', 'sid=', '; sid=', 'ä'), {
      maxLength: 30,
    })
    .map(pieces => pieces.join(''))

  it('agrees with a reference on any header', () => {
    fc.assert(
      fc.property(header, text => {
        expect(findIdsInCookies(text, 'sid')).toEqual(reference(text, 'sid'))
      }),
      { numRuns: inLong(20_000, 5000) },
    )
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.boolean(), (text, last) => {
        const cookies = last ? `${text};sid=id` : `sid=id;${text}`
        expect(findIdsInCookies(cookies, 'sid')).toEqual(reference(cookies, 'sid'))
      }),
      { numRuns: inLong(5000, 1000) },
    )
  })

  const token = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,30}$/)
  const anId = fc.stringMatching(/^[A-Za-z0-9_-]{1,128}$/)

  it('reads what `cookie` and tough-cookie read of one cookie', () => {
    fc.assert(
      fc.property(token, anId, (name, value) => {
        const pair = `${name}=${value}`
        expect(findIdsInCookies(pair, name)).toEqual([value])
        expect(parseCookie(pair)[name]).toBe(value)
        expect(ToughCookie.parse(pair)).toMatchObject({ key: name, value })
      }),
      { numRuns: 2000 },
    )
  })

  it('finds nothing that `cookie` does not find, whatever the cookie', () => {
    fc.assert(
      fc.property(fc.constantFrom(...PIECES), header, (start, rest) => {
        const pair = `${start}${rest}`.replaceAll(';', '')
        const [found] = findIdsInCookies(pair, 'sid')
        if (found !== undefined) expect(parseCookie(pair)['sid']?.replaceAll('"', '')).toBe(found)
      }),
      { numRuns: inLong(5000, 1000) },
    )
  })

  it('takes time in proportion to the header', () => {
    const time = (text: string): number => {
      const start = performance.now()
      findIdsInCookies(text, 'sid')
      return performance.now() - start
    }
    for (const piece of ['sid=', ' sid=', ';sid=', ';sid= ', '; ', '"', ' ', '\t;sid']) {
      expect(time(piece.repeat(1e6 / piece.length)), JSON.stringify(piece)).toBeLessThan(1000)
    }
  })
})

const label = fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,8}[a-z0-9])?$/)
const attributes: fc.Arbitrary<CookieAttributes> = fc.record({
  path: fc.stringMatching(/^\/(?:[\x20-\x3a\x3c-\x7e]{0,20}[\x21-\x3a\x3c-\x7e])?$/),
  domain: fc.option(
    fc.array(label, { minLength: 2, maxLength: 4 }).map(labels => labels.join('.')),
    { nil: undefined },
  ),
  secure: fc.boolean(),
  httpOnly: fc.boolean(),
  sameSite: fc.constantFrom<CookieAttributes['sameSite'][]>('lax', 'strict', 'none', false),
  partitioned: fc.boolean(),
  priority: fc.constantFrom('low', 'medium', 'high', undefined),
})
/** set-cookie-parser reads no names that every object has. */
const aName = fc
  .stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/)
  .filter(name => !(name in {}))
/** Of a cookie, in milliseconds. */
const LIFE = 90_000
const aTime = fc.integer({ min: 1, max: 4e9 }).map(seconds => seconds * 1000)

describe('the cookies that are set', () => {
  it.each([
    [
      'idCookie',
      (name: string, given: CookieAttributes, time: number) =>
        idCookie(name, id, given, time - LIFE, LIFE),
    ],
    ['removalCookie', (name: string, given: CookieAttributes) => removalCookie(name, given)],
  ])('%s: other parsers read exactly one cookie with the attributes given', (kind, write) => {
    fc.assert(
      fc.property(aName, attributes, aTime, (name, given, time) => {
        const line = write(name, given, time)
        const isRemoval = kind === 'removalCookie'
        const expires = new Date(isRemoval ? 0 : time)

        const [parsed, ...more] = parseSetCookie([line])
        expect(more).toEqual([])
        const { priority: _, ...shown } = { priority: '', ...parsed }
        expect(shown).toEqual({
          name,
          value: isRemoval ? '' : id,
          path: given.path,
          expires,
          maxAge: isRemoval ? 0 : LIFE / 1000,
          ...(given.domain !== undefined && { domain: given.domain }),
          ...(given.secure && { secure: true }),
          ...(given.httpOnly && { httpOnly: true }),
          ...(given.sameSite !== false && { sameSite: capital(given.sameSite) }),
          ...(given.partitioned && { partitioned: true }),
        })

        const tough = ToughCookie.parse(line)
        expect(tough).toMatchObject({
          key: name,
          value: isRemoval ? '' : id,
          path: given.path,
          domain: given.domain ?? null,
          secure: given.secure,
          httpOnly: given.httpOnly,
          expires,
          maxAge: isRemoval ? 0 : LIFE / 1000,
        })
        expect(tough?.sameSite ?? false).toBe(given.sameSite)
        const extensions = [
          ...(given.priority === undefined ? [] : [`Priority=${capital(given.priority)}`]),
          ...(given.partitioned ? ['Partitioned'] : []),
        ]
        expect(tough?.extensions ?? []).toEqual(extensions)
      }),
      { numRuns: 2000 },
    )
  })

  it('a cookie without an end has neither Expires nor Max-Age', () => {
    fc.assert(
      fc.property(aName, attributes, aTime, (name, given, now) => {
        const [cookie] = parseSetCookie([idCookie(name, id, given, now, 0)])
        expect(cookie).not.toHaveProperty('expires')
        expect(cookie).not.toHaveProperty('maxAge')
      }),
    )
  })

  it('a part of a second counts as a whole one: the cookie does not end before its session', () => {
    const given = fc.sample(attributes, 1)[0] as CookieAttributes
    expect(parseSetCookie([idCookie('sid', id, given, 1_000_001, 1)])[0]).toMatchObject({
      expires: new Date(1_001_000),
      maxAge: 1,
    })
  })

  it('are within what browsers keep: 4096 bytes of name and value, 1024 of an attribute', () => {
    const longest: CookieAttributes = {
      path: `/${'a'.repeat(1023)}`,
      domain: Array(4).fill('a'.repeat(62)).join('.'),
      secure: true,
      httpOnly: true,
      sameSite: 'strict',
      partitioned: true,
      priority: 'medium',
    }
    const name = 'n'.repeat(256)
    for (const line of [
      idCookie(name, 'i'.repeat(128), longest, 253_367_740_799_000, LONGEST_COOKIE_AGE),
      removalCookie(name, longest),
    ]) {
      expect(line.length).toBeLessThan(4096)
      for (const attribute of line.split('; ')) {
        expect(attribute.slice(attribute.indexOf('=') + 1).length).toBeLessThanOrEqual(1024)
      }
    }
  })

  it('a removal makes a browser forget the cookie that was set, whatever its attributes', async () => {
    const prefixes = fc.constantFrom(
      ['__Host-sid', { path: '/', domain: undefined, secure: true }] as const,
      ['__Secure-sid', { secure: true }] as const,
      ['sid', {}] as const,
    )
    await fc.assert(
      fc.asyncProperty(prefixes, attributes, async ([name, fixed], drawn) => {
        const given = { ...drawn, path: '/app', domain: 'a.example.com', ...fixed }
        const url = 'https://a.example.com/app/x'
        const jar = new CookieJar(undefined, { prefixSecurity: 'strict' })
        await jar.setCookie(idCookie(name, id, given, Date.now(), 60_000), url)
        expect(await jar.getCookieString(url)).toBe(`${name}=${id}`)
        await jar.setCookie(removalCookie(name, given), url)
        expect(await jar.getCookieString(url)).toBe('')
      }),
    )
  })
})

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}
