/** How many turns of the event loop others had while some work was done. */
export async function countTurns(work: () => unknown): Promise<number> {
  let turns = 0
  let isDone = false
  const tick = (): void => {
    turns++
    if (!isDone) setImmediate(tick)
  }
  setImmediate(tick)
  try {
    await work()
  } finally {
    isDone = true
  }
  return turns
}
