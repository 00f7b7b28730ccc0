import { setTimeout as wait } from 'node:timers/promises'

const INTERVAL = 10
const LIMIT = 15_000

/** Asks again and again until the answer is yes. What a server does by itself tells nobody when it is done. */
export async function until(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + LIMIT
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`Waited ${LIMIT} ms in vain: ${what}`)
    await wait(INTERVAL)
  }
}
