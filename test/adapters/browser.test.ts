import { setTimeout as wait } from 'node:timers/promises'
import { Manager, StorageFile, StorageMemory } from 'gsession'
import type { HttpSessionOptions } from 'gsession/http'
import type { Browser, BrowserContext, Cookie, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { besideOthers } from '../helpers/at-end.ts'
import { openBrowser, skipsBrowser } from '../helpers/browser.ts'
import { startRelay } from '../helpers/browser-relay.ts'
import { makeGate } from '../helpers/gate.ts'
import { isSecureKind, type Kind, type TestServer } from '../helpers/http-servers.ts'
import { delayWrites } from '../helpers/http-storage.ts'
import { PATIENCE } from '../helpers/patience.ts'
import { tempFolder } from '../helpers/temp-folder.ts'
import type { Adapter, Reply } from './adapter.ts'
import { expressAdapters } from './apps/express.ts'
import { fastifyAdapters } from './apps/fastify.ts'
import { fetchAdapters } from './apps/fetch.ts'
import { honoAdapter } from './apps/hono.ts'
import { koaAdapters } from './apps/koa.ts'
import { nestAdapters } from './apps/nest.ts'
import { nodeAdapter } from './browser/node-http.ts'
import { html, PAGE, pageOf, type Routes, SLOW_WAYS, slowRoute } from './browser/page.ts'
import { addressOf, attributesOn, dataIn, expectUser, logIn, press } from './browser/visit.ts'

const ADAPTERS: readonly Adapter[] = [
  nodeAdapter,
  ...expressAdapters,
  ...fastifyAdapters,
  ...koaAdapters,
  honoAdapter,
  ...fetchAdapters,
  ...nestAdapters,
]

/** What a browser speaks: HTTP/2 over TLS alone. */
const kindsOf = ({ kinds }: Adapter): Kind[] => kinds.filter(kind => kind !== 'h2c')

describe.skipIf(skipsBrowser)('in a browser', () => {
  let browser: Browser

  beforeAll(async () => {
    browser = await openBrowser()
  })
  afterAll(() => browser?.close())

  // A browser waits more than it works.
  describe.concurrent.each(ADAPTERS)('$name', adapter => {
    const kinds = kindsOf(adapter)
    const [anyKind = 'http'] = kinds
    const secureKind = kinds.find(isSecureKind)
    /** Of one visitor, who has forgotten everything at the start of each test. */
    let context: BrowserContext
    let tab: Page
    let otherTab: Page

    beforeAll(async () => {
      context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: SMALL })
      context.setDefaultTimeout(PATIENCE)
      tab = await context.newPage()
      otherTab = await context.newPage()
    })
    afterAll(() => context?.close())
    beforeEach(() => context.clearCookies())

    function start({
      kind = anyKind,
      manager = new Manager({ storage: new StorageMemory() }),
      routes = {},
      options = {},
    }: Start = {}): Promise<TestServer> {
      return adapter.serve({ kind, manager, options, routes: { ...PAGE, ...routes }, errors: [] })
    }

    async function theCookie(): Promise<Cookie> {
      const [cookie, ...others] = await context.cookies()
      if (cookie === undefined) throw new Error('Expected a cookie, but the browser has none')
      expect(others).toEqual([])
      return cookie
    }

    holds(
      'is logged in after the redirect on a slow storage, and when it is reloaded',
      async () => {
        const { storage, written } = delayWrites(200)
        const server = await start({ manager: new Manager({ storage }) })
        await tab.goto(addressOf('localhost', server))
        await expectUser(tab)
        expect(await context.cookies()).toEqual([])
        const askedAt = Date.now()
        await logIn(tab, 'ann')
        expect(written()).toBeGreaterThan(0)
        const cookie = await theCookie()
        expect(cookie).toMatchObject(attributesOn(server))
        // The browser counts from the Date of the answer, which has no fractions, and may be old.
        expect(Math.abs(cookie.expires - askedAt / 1000 - A_DAY)).toBeLessThan(PATIENCE / 1000)
        expect(await tab.evaluate('document.cookie')).toBe('')
        await tab.reload()
        await expectUser(tab, 'ann')
      },
    )

    holds('keeps what two tabs write at once', async () => {
      const bothHaveRead = makeGate()
      let readers = 0
      const server = await start({
        routes: {
          '/write': async (session, question) => {
            await session.data()
            readers++
            if (readers === 2) bothHaveRead.open()
            await bothHaveRead.opened
            return PAGE['/write']?.(session, question) ?? {}
          },
        },
      })
      await tab.goto(addressOf('localhost', server))
      await logIn(tab, 'ann')
      await otherTab.goto(addressOf('localhost', server))
      await expectUser(otherTab, 'ann')
      await Promise.all([press(tab, 'Write left'), press(otherTab, 'Write right')])
      await tab.getByText('"left":true').waitFor()
      await otherTab.getByText('"right":true').waitFor()
      await tab.reload()
      await expectUser(tab, 'ann')
      expect(JSON.parse(await dataIn(tab))).toEqual({ left: true, right: true })
    })

    holds('stays logged out when requests that began before come to their end', async () => {
      const loggedOut = makeGate()
      const allHaveRead = makeGate()
      const readers = new Set<string>()
      const hasRead = (way: string): void => {
        readers.add(way)
        if (readers.size === SLOW_WAYS.length) allHaveRead.open()
      }
      const server = await start({ routes: { '/slow': slowRoute(hasRead, loggedOut) } })
      await tab.goto(addressOf('localhost', server))
      await logIn(tab, 'ann')
      await otherTab.goto(addressOf('localhost', server))

      const asks = SLOW_WAYS.map(way => `fetch('/slow?way=${way}', { method: 'POST' })`)
      const answers = otherTab.evaluate(`Promise.all([${asks}].map(async asked => {
        const answer = await asked
        return answer.ok ? await answer.text() : 'an error'
      }))`)
      await allHaveRead.opened
      await press(tab, 'Log out')
      await expectUser(tab)
      expect(await context.cookies()).toEqual([])

      loggedOut.open()
      const expected = SLOW_WAYS.map(way => (way === 'read' ? 'done' : 'an error'))
      expect(await answers).toEqual(expected)
      expect(await context.cookies()).toEqual([])
      for (const page of [tab, otherTab]) {
        await page.reload()
        await expectUser(page)
        expect(await dataIn(page)).toBe('{}')
      }
    })

    holds('is logged in after the server was started anew', async () => {
      const path = tempFolder()
      await using before = new Manager({ storage: new StorageFile({ path }) })
      const relay = await startRelay(await start({ manager: before }))
      await tab.goto(addressOf('localhost', { kind: anyKind, port: relay.port }))
      await logIn(tab, 'ann')
      const { value } = await theCookie()
      await before.close()

      await using after = new Manager({ storage: new StorageFile({ path }) })
      relay.leadTo(await start({ manager: after }))
      await press(tab, 'Write left')
      await tab.getByText('"left":true').waitFor()
      await expectUser(tab, 'ann')
      expect((await theCookie()).value).toBe(value)
    })

    holds('is logged out by the next click after the session has expired', async () => {
      const ttl = 250
      const { storage, written } = delayWrites(0)
      const server = await start({
        manager: new Manager({ storage, ttl }),
        // The browser still sends the id: it is the server that must not know it any more.
        options: { cookie: { maxAge: '1h' } },
        routes: {
          // Shows the page at once: where everything is slow, no second request comes in time.
          '/login': async session => {
            await session.set('user', 'ann')
            return pageOf(session)
          },
        },
      })
      await tab.goto(addressOf('localhost', server))
      await logIn(tab, 'ann')
      expect(written()).toBe(1)
      const { value } = await theCookie()
      await wait(ttl + 10)
      await tab.getByRole('link', { name: 'Look again' }).click()
      await expectUser(tab)
      // The server has told the browser to forget it.
      expect(await context.cookies()).toEqual([])

      await logIn(tab, 'ann')
      expect((await theCookie()).value).not.toBe(value)
    })

    if (secureKind === undefined) return

    holds('is nobody to a form that another site sends, and somebody to its link', async () => {
      let own = ''
      // The only type of a form that all frameworks read without being told how.
      const stranger = (): Reply =>
        html(`<form method="post" enctype="text/plain" action="${own}"><button>Post</button></form>
          <a href="${own}">Follow</a>`)
      const server = await start({ kind: secureKind, routes: { '/stranger': stranger } })
      own = addressOf('localhost', server)
      const elsewhere = `${addressOf('stranger.test', server)}/stranger`
      await tab.goto(own)
      await logIn(tab, 'ann')
      expect(await theCookie()).toMatchObject(attributesOn(server))
      expect(await tab.evaluate('document.cookie')).toBe('')

      await tab.goto(elsewhere)
      await press(tab, 'Post')
      await expectUser(tab)
      await tab.goto(elsewhere)
      await tab.getByRole('link', { name: 'Follow' }).click()
      await expectUser(tab, 'ann')
    })

    holds('has a session of its own in a frame, for each site that embeds it', async () => {
      const options: HttpSessionOptions = { cookie: { sameSite: 'none', partitioned: true } }
      let framed = ''
      const embed = (): Reply => html(`<iframe src="${framed}"></iframe>`)
      const kind = kinds.at(-1) ?? secureKind
      const server = await start({ kind, options, routes: { '/embed': embed } })
      framed = addressOf('framed.test', server)
      const [shop, blog] = ['shop.test', 'blog.test'].map(host => addressOf(host, server))
      const frame = tab.frameLocator('iframe')

      await tab.goto(`${shop}/embed`)
      await logIn(frame, 'ann')
      await tab.goto(`${blog}/embed`)
      await expectUser(frame)
      await logIn(frame, 'bob')
      const cookies = await context.cookies()
      expect(cookies.map(({ partitionKey }) => partitionKey).sort()).toEqual([
        'https://blog.test',
        'https://shop.test',
      ])
      const attributes = { ...attributesOn(server), domain: 'framed.test', sameSite: 'None' }
      for (const cookie of cookies) expect(cookie).toMatchObject(attributes)

      await tab.goto(`${shop}/embed`)
      await expectUser(frame, 'ann')
      await press(frame, 'Log out')
      await expectUser(frame)
      expect(await theCookie()).toMatchObject({ partitionKey: 'https://blog.test' })
      await tab.goto(framed)
      await expectUser(tab)
    })
  })
})

/** A test that follows the one before it, beside those of other adapters. */
function holds(name: string, test: () => Promise<void>): void {
  it.sequential(name, besideOthers(test))
}

/** Less to draw. */
const SMALL = { width: 400, height: 300 }

const A_DAY = 86_400

interface Start {
  readonly kind?: Kind
  readonly manager?: Manager
  readonly routes?: Routes
  readonly options?: HttpSessionOptions
}
