/** What a test needs and this machine has not: the test is skipped, for that reason (skipping-runner.ts). */
export class NotHere extends Error {
  override readonly name = 'NotHere'
}
