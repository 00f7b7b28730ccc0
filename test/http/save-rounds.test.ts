import { createServer, type ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import type { Gate } from '../../src/http/gate.ts'
import { HeldResponse } from '../../src/http/held-response.ts'
import { ask } from '../helpers/http-client.ts'
import { listenOn } from '../helpers/http-servers.ts'

/** A gate whose save needs another one so many times. */
function gateThatNeeds(rounds: number, response: ServerResponse): Gate & { saves: number } {
  return {
    saves: 0,
    isUsed: true,
    get needsSave() {
      return this.saves < rounds
    },
    async save() {
      this.saves++
    },
    writeHead: () => undefined,
    listHead: headers => headers as readonly unknown[],
    failed(error) {
      this.saves = rounds
      response.statusCode = 500
      response.end(String((error as { code?: string }).code))
    },
  }
}

/** Serves a page that is held by a gate for each of the numbers. */
function serveHeld(...rounds: number[]) {
  const saves: number[][] = []
  const server = createServer((_request, response) => {
    const gates = rounds.map(count => gateThatNeeds(count, response))
    for (const gate of gates) HeldResponse.of(response, gate)
    response.once('finish', () => saves.push(gates.map(gate => gate.saves)))
    response.end('a page')
  })
  return { saves, listening: listenOn('http', server) }
}

describe('a save that needs another one', () => {
  it('is followed by that, as often as a handler goes on changing', async () => {
    const { saves, listening } = serveHeld(100)
    expect(await ask(await listening)).toMatchObject({ status: 200, text: 'a page' })
    expect(saves).toEqual([[100]])
  })

  it('is an error when that never ends', async () => {
    const { listening } = serveHeld(Number.POSITIVE_INFINITY)
    expect(await ask(await listening)).toMatchObject({ status: 500, text: 'ERR_CONFLICT' })
  })

  it('is an error of the one of several gates that never ends', async () => {
    const { saves, listening } = serveHeld(3, Number.POSITIVE_INFINITY, 2)
    expect(await ask(await listening)).toMatchObject({ status: 500, text: 'ERR_CONFLICT' })
    expect(saves[0]?.[0]).toBe(3)
    expect(saves[0]?.[2]).toBe(2)
  })
})
