import { setTimeout as wait } from 'node:timers/promises'
import { PATIENCE } from '../../helpers/patience.ts'

const INTERVAL = 10

/** Asks again and again until the answer is yes. What a server does by itself tells nobody when it is done. */
export async function until(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + PATIENCE
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`Waited ${PATIENCE} ms in vain: ${what}`)
    await wait(INTERVAL)
  }
}
