import { type SerializedConfig, type TestError, TestRunner } from 'vitest'
import { SERVER_KINDS } from '../redis/servers/server-kinds.ts'
import { NotHere } from './not-here.ts'

type Suite = Parameters<TestRunner['onAfterRunSuite']>[0]
type Task = Suite['tasks'][number]

/** Skips the tests that need what this machine has not, and says why. */
export default class SkippingRunner extends TestRunner {
  constructor(config: SerializedConfig) {
    super(config)
    // A file may have tests for each kind of server alone.
    if (SERVER_KINDS.length === 0) config.passWithNoTests = true
  }

  override onAfterRunTask(task: Parameters<TestRunner['onAfterRunTask']>[0]): void {
    super.onAfterRunTask(task)
    skipWithout(task)
  }

  override async onAfterRunSuite(suite: Suite): Promise<void> {
    await super.onAfterRunSuite(suite)
    skipWithout(suite)
  }
}

/** What fails after the first failure may do so for the same reason: a hook that ends what was not begun. */
function skipWithout(task: Task): void {
  const [first]: readonly TestError[] = task.result?.errors ?? []
  if (first?.name !== NotHere.name) return
  task.mode = 'skip'
  task.result = Object.assign({ state: 'skip' } as const, { note: first.message })
}
