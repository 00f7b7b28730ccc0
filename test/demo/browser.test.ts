import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openBrowser, skipsBrowser } from '../helpers/browser.ts'
import { buildDemo, type Demo, endDemos, startDemo } from '../helpers/demo-process.ts'
import { eventually } from '../helpers/eventually.ts'

describe.skipIf(skipsBrowser)('the page in a browser', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gsession-page-'))
  let folders = 0
  let browser: Browser
  let context: BrowserContext
  let path: string
  let demo: Demo
  /** What the browser complained of: scripts that failed, answers that were errors. */
  let complaints: string[]

  beforeAll(async () => {
    buildDemo()
    browser = await openBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    rmSync(folder, { recursive: true })
  })

  beforeEach(async () => {
    complaints = []
    path = join(folder, `${folders++}`)
    demo = await startDemo({ SESSION_PATH: path })
    context = await browser.newContext()
    context.setDefaultTimeout(10_000)
    context.on('weberror', error => complaints.push(error.error().message))
    context.on('console', message => {
      if (message.type() === 'error') complaints.push(message.text())
    })
  })
  afterEach(async () => {
    await context?.close()
    await endDemos()
  })

  it('begins with nothing, and without a cookie', async () => {
    const page = await openPage()
    await page.getByText('Nothing yet. Set something.').waitFor()
    expect(await textOf(page, '#cookie')).toBe('none: the browser has no id')
    expect(await cookie()).toBeUndefined()
    expect(complaints).toEqual([])
  })

  it('sets values, and still has them when it is loaded again', async () => {
    const page = await openPage()
    await click(page, 'Set the time')
    await cellOf(page, 'time')
      .getByText(/^\d{10}/)
      .waitFor()
    await page.getByLabel('Your name').fill('Ada <b>"L"</b>')
    await page.keyboard.press('Enter')
    await expectValue(page, 'name', '"Ada <b>\\"L\\"</b>"')
    expect(await textOf(page, '#request')).toMatch(/^POST \/api\/name\?/)

    await page.reload()
    await expectValue(page, 'name', '"Ada <b>\\"L\\"</b>"')
    expect(complaints).toEqual([])
  })

  it('is given a cookie that scripts cannot read and other sites cannot send', async () => {
    const page = await openPage()
    await click(page, 'Set the time')
    await cellOf(page, 'time').waitFor()
    const { value = '', expires = 0, ...rest } = (await cookie()) ?? {}
    expect(rest).toMatchObject({ name: 'sid', httpOnly: true, sameSite: 'Lax', path: '/' })
    expect(rest).toMatchObject({ domain: 'localhost', secure: false })
    expect(expires - Date.now() / 1000).toBeGreaterThan(86_400 - 10)
    expect(await page.evaluate('document.cookie')).toBe('')

    expect(value).toHaveLength(43)
    expect(await textOf(page, '#set-cookie')).toContain(`sid=${value.slice(0, 4)}••••••••; Path=/`)
    expect(await page.content()).not.toContain(value)
  })

  it('removes one key', async () => {
    const page = await openPage()
    await click(page, 'Set the time')
    await cellOf(page, 'time').waitFor()
    await click(page, 'Count a view')
    await expectValue(page, 'views', '1')
    await click(page, 'Remove time')
    await cellOf(page, 'time').waitFor({ state: 'detached' })
    await expectValue(page, 'views', '1')
  })

  it('changes the id and keeps the data', async () => {
    const page = await openPage()
    await click(page, 'Count a view')
    await expectValue(page, 'views', '1')
    const before = await cookie()
    await click(page, 'New id')
    await page.locator('#request').getByText('POST /api/new-id').waitFor()
    const after = await cookie()
    expect(after?.value).toHaveLength(43)
    expect(after?.value).not.toBe(before?.value)
    await expectValue(page, 'views', '1')
    expect(await textOf(page, '#cookie')).toContain(before?.value.slice(0, 4))
    expect(await textOf(page, '#set-cookie')).toContain(after?.value.slice(0, 4))

    const old = await fetch(`${demo.url}/get`, { headers: { Cookie: `sid=${before?.value}` } })
    expect(await old.text()).toBe('{}')
  })

  it('logs out: the cookie is gone, and the old one opens nothing', async () => {
    const page = await openPage()
    await click(page, 'Set the time')
    await cellOf(page, 'time').waitFor()
    const before = await cookie()
    await click(page, 'Log out')
    await page.getByText('Nothing yet. Set something.').waitFor()
    expect(await cookie()).toBeUndefined()
    expect(await textOf(page, '#set-cookie')).toContain('Max-Age=0')

    const old = await fetch(`${demo.url}/get`, { headers: { Cookie: `sid=${before?.value}` } })
    expect(await old.text()).toBe('{}')
  })

  it('counts twenty at once, from nothing', async () => {
    const page = await openPage()
    await click(page, 'Count 20 at once')
    await expectValue(page, 'views', '20')
  })

  it('says so when the server is gone, and has everything when it is back', async () => {
    const page = await openPage()
    await click(page, 'Count a view')
    await expectValue(page, 'views', '1')
    await demo.end('SIGTERM')
    await click(page, 'Count a view')
    await page.getByText('The server does not answer.').waitFor()

    await startDemo({ SESSION_PATH: path, PORT: demo.port })
    await click(page, 'Count a view')
    await expectValue(page, 'views', '2')
    await page.getByText('The server does not answer.').waitFor({ state: 'hidden' })
  })

  it('shows in one tab what was done in another', async () => {
    const first = await openPage()
    const second = await openPage()
    await click(first, 'Count a view')
    await expectValue(second, 'views', '1')
    await click(second, 'Count a view')
    await expectValue(first, 'views', '2')
    await click(first, 'Log out')
    await second.getByText('Nothing yet. Set something.').waitFor()
  })

  it('counts down, and says when the session has expired', async () => {
    await endDemos()
    demo = await startDemo({ SESSION_PATH: path, SESSION_TTL: '4s' })
    const page = await openPage()
    await click(page, 'Set the time')
    const expired = page.getByText('Your session has expired.')
    const shown = new Set<string>()
    while (!(await expired.isVisible())) shown.add(await page.getByRole('timer').innerText())
    const clocks = [...shown].filter(text => /^00:00:0[1-4]$/.test(text))
    // A busy machine may leave some out.
    expect(clocks.length).toBeGreaterThan(1)
    expect(clocks).toEqual(clocks.toSorted().reverse())
    await page.getByText('Nothing yet. Set something.').waitFor()
    // Dates in cookies have no fractions: the cookie ends within the second after the session.
    await eventually(async () => expect(await cookie()).toBeUndefined())

    await click(page, 'Count a view')
    await expectValue(page, 'views', '1')
    await page.getByText('Your session has expired.').waitFor({ state: 'hidden' })
  })

  it('fits on a phone', async () => {
    const page = await openPage()
    await click(page, 'Set the time')
    await cellOf(page, 'time').waitFor()
    for (const width of [320, 390]) {
      await page.setViewportSize({ width, height: 800 })
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width)
    }
  })

  async function openPage(): Promise<Page> {
    const page = await context.newPage()
    await page.goto(demo.url)
    await page.locator('#data tr').first().waitFor()
    return page
  }

  async function cookie() {
    const cookies = await context.cookies()
    expect(cookies.length).toBeLessThan(2)
    return cookies[0]
  }
})

function click(page: Page, name: string): Promise<void> {
  return page.getByRole('button', { name, exact: true }).click()
}

function cellOf(page: Page, key: string) {
  return page.locator(`#data tr[data-key=${key}] td:nth-child(2)`)
}

async function expectValue(page: Page, key: string, value: string): Promise<void> {
  await cellOf(page, key).getByText(value, { exact: true }).waitFor()
}

async function textOf(page: Page, place: string): Promise<string> {
  return (await page.locator(place).textContent()) ?? ''
}
