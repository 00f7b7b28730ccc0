// Sessions in Nest, on Express: node examples/nest.mjs, then
//   curl -c jar -b jar -d user=ann localhost:3000/login; curl -c jar -b jar localhost:3000
import 'reflect-metadata'
import { Body, Controller, Get, Module, Post, Redirect, Session } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { Manager } from 'gsession'
import { session } from 'gsession/express'

const { PORT = '3000' } = process.env

class Visits {
  async view(session) {
    const views = await session.update('views', (n = 0) => n + 1)
    return { user: await session.get('user', 'nobody'), views }
  }

  async login(session, form) {
    // Whoever knew the id before the login does not know it any more.
    await session.regenerateId()
    await session.set('user', String(form.user))
  }

  async logout(session) {
    await session.removeAll()
  }
}

// In TypeScript: @Get() view(@Session() session: Session)
decorate('view', [Get()], [Session()])
decorate('login', [Post('login'), Redirect('/')], [Session(), Body()])
decorate('logout', [Post('logout'), Redirect('/')], [Session()])
Controller()(Visits)

class App {}
Module({ controllers: [Visits] })(App)

const app = await NestFactory.create(App, { logger: ['error'] })
app.use(session(new Manager()))
await app.listen(Number(PORT))
console.log(`Listening on http://localhost:${app.getHttpServer().address().port}`)

function decorate(method, ofMethod, ofParameters) {
  const { prototype } = Visits
  const descriptor = Object.getOwnPropertyDescriptor(prototype, method)
  for (const decorator of ofMethod) decorator(prototype, method, descriptor)
  for (const [index, decorator] of ofParameters.entries()) decorator(prototype, method, index)
}
