import 'reflect-metadata'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import {
  All,
  type ArgumentsHost,
  Catch,
  Controller,
  createParamDecorator,
  type ExecutionContext,
  type INestApplication,
  type MiddlewareConsumer,
  Module,
  Req,
  Res,
  StreamableFile,
  type Type,
} from '@nestjs/common'
import { HttpAdapterHost, NestFactory } from '@nestjs/core'
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import type { Session } from 'gsession'
import { session as expressSession } from 'gsession/express'
import fastifySession from 'gsession/fastify'
import { atEnd } from '../../helpers/at-end.ts'
import { type Kind, type TestServer, tlsOf } from '../../helpers/http-servers.ts'
import { type Adapter, type AppOptions, ERROR_PAGE, type Reply } from '../adapter.ts'

/** The frameworks under Nest, which is where it has its requests and responses from. */
export const PLATFORMS = ['Express', 'Fastify'] as const
export type Platform = (typeof PLATFORMS)[number]

/** What the requests of both frameworks have. */
interface Request {
  readonly session: Session
  readonly method: string
  readonly url: string
  readonly body?: unknown
}

/** What the responses of both frameworks have. */
interface Response {
  status(status: number): unknown
  header(name: string, value: string | readonly string[]): unknown
}

/** The session as a parameter, typed. */
export const CurrentSession = createParamDecorator(
  (_: unknown, context: ExecutionContext) =>
    context.switchToHttp().getRequest<{ session: Session }>().session,
)

/** Applies a decorator to a method; that is what `@decorator` is short for. */
export function decorate(controller: Type, method: string, decorator: MethodDecorator): void {
  const { prototype } = controller
  const descriptor = Object.getOwnPropertyDescriptor(prototype, method)
  if (descriptor === undefined) throw new Error(`Expected a method "${method}"`)
  decorator(prototype, method, descriptor)
}

/** Applies decorators to the parameters of a method, in their order. */
export function decorateParameters(
  controller: Type,
  method: string,
  ...decorators: readonly ParameterDecorator[]
): void {
  for (const [index, decorator] of decorators.entries()) {
    decorator(controller.prototype, method, index)
  }
}

/** An application with these controllers and sessions, on a free port until the test is over. */
export async function serveNest(
  platform: Platform,
  { kind, manager, options }: Omit<AppOptions, 'routes' | 'errors'>,
  controllers: readonly Type[],
  configure: (app: INestApplication) => void = () => undefined,
  middlewares: (consumer: MiddlewareConsumer) => void = () => undefined,
): Promise<TestServer> {
  class AppModule {
    configure = middlewares
  }
  Module({ controllers: [...controllers] })(AppModule)
  const settings = { logger: false, abortOnError: false, forceCloseConnections: true } as const
  let app: INestApplication
  if (platform === 'Express') {
    const tls = kind === 'https' ? { httpsOptions: tlsOf() } : {}
    const express = await NestFactory.create<NestExpressApplication>(
      AppModule,
      new ExpressAdapter(),
      { ...settings, ...tls },
    )
    express.use(expressSession(manager, options))
    express.useBodyParser('text')
    app = express
  } else {
    const fastify = await NestFactory.create<NestFastifyApplication>(
      AppModule,
      new FastifyAdapter({ forceCloseConnections: true, ...fastifyOptions(kind) } as never),
      settings,
    )
    await fastify.register(fastifySession as never, { manager, ...options })
    app = fastify
  }
  configure(app)
  atEnd(() => app.close())
  await app.listen(0, '127.0.0.1')
  return { kind, port: (app.getHttpServer().address() as AddressInfo).port }
}

function fastifyOptions(kind: Kind): object {
  return {
    ...(kind === 'h2c' || kind === 'h2' ? { http2: true } : {}),
    ...(kind === 'https' || kind === 'h2' ? { https: tlsOf() } : {}),
  }
}

/** A filter that answers every error alike, and hands it to the test. */
export function addErrorPage(app: INestApplication, caught: (error: unknown) => void): void {
  const { httpAdapter } = app.get(HttpAdapterHost)
  class ErrorPage {
    catch(error: unknown, host: ArgumentsHost): void {
      caught(error)
      const response = host.switchToHttp().getResponse()
      if (!httpAdapter.isHeadersSent(response)) httpAdapter.reply(response, ERROR_PAGE, 500)
    }
  }
  Catch()(ErrorPage)
  app.useGlobalFilters(new ErrorPage())
}

function serve(platform: Platform, app: AppOptions): Promise<TestServer> {
  class Routes {
    async answer(session: Session, request: Request, response: Response): Promise<unknown> {
      const { pathname, searchParams: query } = new URL(request.url, 'http://localhost')
      const text = typeof request.body === 'string' ? request.body : ''
      const reply = await app.routes[pathname]?.(session, { method: request.method, query, text })
      return answerWith(response, reply ?? { status: 404 })
    }
  }
  Controller()(Routes)
  decorate(Routes, 'answer', All(Object.keys(app.routes)))
  decorateParameters(Routes, 'answer', CurrentSession(), Req(), Res({ passthrough: true }))
  return serveNest(platform, app, [Routes], nest =>
    addErrorPage(nest, error => app.errors.push(error)),
  )
}

function answerWith(response: Response, { status = 200, headers = {}, body }: Reply): unknown {
  response.status(status)
  for (const [name, value] of Object.entries(headers)) response.header(name, value)
  if (body === undefined || typeof body === 'string') return body
  return new StreamableFile(Readable.from(body, { objectMode: false }))
}

/** Nest as its users use it, on both of its frameworks. */
export const nestAdapters: readonly Adapter[] = PLATFORMS.map(platform => ({
  name: `Nest 11 on ${platform}`,
  kinds: platform === 'Express' ? ['http', 'https'] : ['http', 'https', 'h2c', 'h2'],
  serve: app => serve(platform, app),
}))
