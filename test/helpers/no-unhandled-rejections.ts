import { afterEach, beforeEach, expect } from 'vitest'

/** Fails each test of the file during which a rejection was left unhandled. */
export function allowNoUnhandledRejections(): void {
  const rejections: unknown[] = []
  const note = (reason: unknown): void => {
    rejections.push(reason)
  }
  beforeEach(() => {
    process.on('unhandledRejection', note)
  })
  afterEach(async () => {
    await new Promise(resolve => setImmediate(resolve))
    process.off('unhandledRejection', note)
    expect(rejections.splice(0)).toEqual([])
  })
}
