import { type FetchRun, isResponse } from './fetch-run.ts'

type MaybePromise<Value> = Value | Promise<Value>

/** A response that was thrown is to reach the framework as it was meant to: thrown. */
export interface FetchAnswer {
  readonly response: Response
  readonly isThrown: boolean
}

/**
 * Runs an application to its answer, with its session saved and told in it. What it throws, and a save
 * that fails, is for `onError` to answer; what that throws is thrown on. A response that either of them
 * throws is an answer too.
 */
export async function answerOf<Data extends object>(
  run: FetchRun<Data>,
  application: () => MaybePromise<Response>,
  onError: (error: unknown) => MaybePromise<Response>,
): Promise<FetchAnswer> {
  try {
    const { response, isThrown } = await settle(run, application)
    return { response: await run.finish(response), isThrown }
  } catch (error) {
    run.handlerFailed()
    const { response, isThrown } = await settleOrThrow(run, () => onError(error))
    return { response: await run.finish(response), isThrown }
  }
}

async function settle<Data extends object>(
  run: FetchRun<Data>,
  answer: () => MaybePromise<Response>,
): Promise<FetchAnswer> {
  try {
    return { response: await run.run(answer), isThrown: false }
  } catch (thrown) {
    if (isResponse(thrown)) return { response: thrown, isThrown: true }
    throw thrown
  }
}

/** When nobody answers, the client cannot be told; what was changed is saved all the same. */
async function settleOrThrow<Data extends object>(
  run: FetchRun<Data>,
  answer: () => MaybePromise<Response>,
): Promise<FetchAnswer> {
  try {
    return await settle(run, answer)
  } catch (error) {
    await run.finishUnanswered()
    throw error
  }
}
