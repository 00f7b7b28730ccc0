import { setTimeout } from 'node:timers/promises'

const CHECK_MILLISECONDS = 20
const CPU_MICROSECONDS = 2000
const CHECKS = 500

/** The load leaves requests behind that nobody waits for: they are none of the next sample's. */
export async function becomeIdle() {
  for (let n = 0; n < CHECKS; n++) {
    const before = process.cpuUsage()
    await setTimeout(CHECK_MILLISECONDS)
    const { user, system } = process.cpuUsage(before)
    if (user + system < CPU_MICROSECONDS) return
  }
}
