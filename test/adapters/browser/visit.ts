import type { Cookie, FrameLocator, Page } from 'playwright-core'
import { expect } from 'vitest'
import { cookieName } from '../../helpers/http-cookies.ts'
import { isSecureKind, type TestServer } from '../../helpers/http-servers.ts'
import { greetingOf } from './page.ts'

/** What a browser on localhost keeps of the session's cookie by default. */
export function attributesOn({ kind }: TestServer): Partial<Cookie> {
  return {
    name: cookieName(kind),
    value: expect.stringMatching(/^[\w-]{43}$/),
    domain: 'localhost',
    path: '/',
    httpOnly: true,
    secure: isSecureKind(kind),
    sameSite: 'Lax',
  }
}

/** Where a page is seen: in a tab, or in a frame of one. */
type Place = Page | FrameLocator

/** Where a browser finds a server, by a name that leads to this machine. */
export function addressOf(host: string, { kind, port }: TestServer): string {
  return `${isSecureKind(kind) ? 'https' : 'http'}://${host}:${port}`
}

/** Presses a button of the page. */
export function press(place: Place, name: string): Promise<void> {
  return place.getByRole('button', { name, exact: true }).click()
}

/** What the page shows of the session, but the user. */
export async function dataIn(page: Page): Promise<string> {
  return (await page.locator('code').textContent()) ?? ''
}

/** Waits for the page to greet this user, or nobody. */
export async function expectUser(place: Place, user?: string): Promise<void> {
  await place.getByRole('heading', { name: greetingOf(user), exact: true }).waitFor()
}

/** Logs in, and waits until the page greets the user. */
export async function logIn(place: Place, user: string): Promise<void> {
  await press(place, `Log in as ${user}`)
  await expectUser(place, user)
}
