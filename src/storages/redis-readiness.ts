/** What is used of a client to hear when it is connected. */
interface Emitter {
  once(event: string, listener: () => void): unknown
  off(event: string, listener: () => void): unknown
}

/** Resolves when a client that is connecting is done with it; `undefined` when it is not connecting. */
export type Readiness = () => Promise<void> | undefined

/**
 * Lets calls wait while their client connects. The client itself would keep their commands without
 * limit, and carry them out long after the calls have failed: over what others have stored since.
 */
export function readinessOf(client: object, isConnecting: () => boolean): Readiness {
  let ready: Promise<void> | undefined
  return () => {
    if (!isConnecting()) return undefined
    ready ??= untilConnected(client as Emitter).finally(() => {
      ready = undefined
    })
    return ready
  }
}

function untilConnected(client: Emitter): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      client.off('ready', done)
      client.off('end', done)
      resolve()
    }
    client.once('ready', done)
    client.once('end', done)
  })
}
