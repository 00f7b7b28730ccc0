import 'reflect-metadata'
import { Body, Controller, HttpCode, Module, Put, Session } from '@nestjs/common'
import { Visits } from './visits.js'

/** What the tests need beside the controller of the docs. */
class Wishes {
  async theme(session, { theme }) {
    await session.set('theme', `theme=${theme}`)
  }

  async language(session, { language }) {
    await session.set('language', `language=${language}`)
  }
}
for (const name of ['theme', 'language']) {
  const { prototype } = Wishes
  Put(name)(prototype, name, Object.getOwnPropertyDescriptor(prototype, name))
  HttpCode(204)(prototype, name, Object.getOwnPropertyDescriptor(prototype, name))
  Session()(prototype, name, 0)
  Body()(prototype, name, 1)
}
Controller()(Wishes)

export class AppModule {}
Module({ controllers: [Visits, Wishes] })(AppModule)
