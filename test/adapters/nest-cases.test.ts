import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  ForbiddenException,
  Get,
  Header,
  type NestInterceptor,
  Session as NestSession,
  Redirect,
  type Type,
  UnauthorizedException,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common'
import { currentSession, Manager, type Session, StorageMemory } from 'gsession'
import type { HttpSessionOptions } from 'gsession/http'
import { type from, switchMap } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { Browser } from '../helpers/http-browser.ts'
import { ask, askAs } from '../helpers/http-client.ts'
import { cookieFrom } from '../helpers/http-cookies.ts'
import { delayWrites, failOnDemand } from '../helpers/http-storage.ts'
import { ERROR_PAGE } from './adapter.ts'
import {
  addErrorPage,
  CurrentSession,
  decorate,
  decorateParameters,
  PLATFORMS,
  serveNest,
} from './apps/nest.ts'

const countOf = (session: Session): Promise<number> => session.update('n', (n: number = 0) => n + 1)

class Site {
  async login(session: Session): Promise<void> {
    await session.regenerateId()
    await session.set('user', 'ann')
  }

  user(session: Session): Promise<unknown> {
    return session.get('user', 'nobody')
  }

  count(session: Session): Promise<number> {
    return countOf(session)
  }

  async forbidden(session: Session): Promise<never> {
    throw new ForbiddenException(`${await countOf(session)}`)
  }

  below(): Promise<unknown> {
    return this.user(currentSession())
  }
}
Controller()(Site)
decorate(Site, 'login', Get('login'))
decorate(Site, 'login', Redirect('/user', 303))
for (const method of ['user', 'count', 'forbidden', 'below']) {
  decorate(Site, method, Get(method))
  decorate(Site, method, Header('x-own', 'yes'))
}
decorateParameters(Site, 'login', CurrentSession())
// Nest's own decorator does as well.
for (const method of ['user', 'count', 'forbidden']) {
  decorateParameters(Site, method, NestSession())
}

const sessionOf = (context: ExecutionContext): Session =>
  context.switchToHttp().getRequest<{ session: Session }>().session

/** Lets those in who have logged in. */
class LoggedIn implements CanActivate {
  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (await sessionOf(context).contains('user')) return true
    throw new UnauthorizedException()
  }
}

/** Notes in the session that a handler has answered. */
class NoteAnswer implements NestInterceptor {
  intercept(context: ExecutionContext, next: { handle(): ReturnType<typeof from> }) {
    return next.handle().pipe(
      switchMap(async answer => {
        await sessionOf(context).set('answered', true)
        return answer
      }),
    )
  }
}

class Members {
  data(session: Session): Promise<unknown> {
    return session.data()
  }
}
Controller('members')(Members)
decorate(Members, 'data', Get())
decorate(Members, 'data', UseGuards(LoggedIn))
decorate(Members, 'data', UseInterceptors(NoteAnswer))
decorateParameters(Members, 'data', CurrentSession())

describe.each(PLATFORMS)('Nest on %s', platform => {
  const start = (
    storage = new StorageMemory(),
    options: HttpSessionOptions = {},
    controllers: readonly Type[] = [Site, Members],
  ) => {
    const app = { kind: 'http', manager: new Manager({ storage }), options } as const
    return serveNest(platform, app, controllers)
  }

  it('hands the session to its own @Session() and to one of yours', async () => {
    const browser = new Browser(await start(delayWrites(50).storage))
    const { status, headers } = await browser.ask('/login')
    expect([status, headers['location']]).toEqual([303, '/user'])
    const { text, headers: own } = await browser.ask('/user')
    expect([text, own['x-own']]).toEqual(['ann', 'yes'])
  })

  it('lets guards read the session, and interceptors change it', async () => {
    const browser = new Browser(await start())
    expect((await browser.ask('/members')).status).toBe(401)
    await browser.ask('/login')
    const answers = [await browser.ask('/members'), await browser.ask('/members')]
    expect(answers.map(({ text }) => JSON.parse(text))).toEqual([
      { user: 'ann' },
      { user: 'ann', answered: true },
    ])
  })

  it('keeps what was changed before an exception, and answers with its status', async () => {
    const browser = new Browser(await start())
    const answers = [await browser.ask('/forbidden'), await browser.ask('/forbidden')]
    expect(answers.map(({ status, text }) => [status, JSON.parse(text).message])).toEqual([
      [403, '1'],
      [403, '2'],
    ])
  })

  it("answers 503 with Nest's own filter when the storage is down", async () => {
    const { storage, failWith } = failOnDemand()
    const server = await start(storage)
    failWith(new Error('down'))
    for (const path of ['/login', '/count']) {
      const { status, text, setCookies } = await ask(server, path)
      expect([status, JSON.parse(text).statusCode, setCookies]).toEqual([503, 503, []])
    }
  })

  it('answers with a filter of the application when a save fails that nobody awaited', async () => {
    const { storage, failWith } = failOnDemand()
    const caught: unknown[] = []
    const app = { kind: 'http', manager: new Manager({ storage }), options: {} } as const
    const server = await serveNest(platform, app, [Site, Members], nest =>
      addErrorPage(nest, error => caught.push(error)),
    )
    const cookie = cookieFrom(await ask(server, '/login'))
    failWith(new Error('down'), 'merge')
    const { status, text } = await askAs(cookie, server, '/members')
    expect([status, text]).toEqual([500, ERROR_PAGE])
    expect(caught).toEqual([expect.objectContaining({ code: 'ERR_STORAGE' })])
  })

  it('finds the current session in what a handler calls, with asyncContext', async () => {
    const browser = new Browser(await start(undefined, { asyncContext: true }))
    await browser.ask('/login')
    expect((await browser.ask('/below')).text).toBe('ann')
  })
})
