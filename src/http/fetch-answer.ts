import { isPromise } from '../core/thenable.ts'
import { type FetchRun, isResponse } from './fetch-run.ts'

type MaybePromise<Value> = Value | Promise<Value>

/**
 * Runs an application to its answer, with its session saved and told in it. What it throws, and a save
 * that fails, is for `onError` to answer. A response that either of them throws is an answer too, and
 * is thrown on, as it was meant to reach the framework; so is what `onError` throws.
 */
export async function answerOf<Data extends object>(
  run: FetchRun<Data>,
  application: () => MaybePromise<Response>,
  onError: (error: unknown) => MaybePromise<Response>,
): Promise<Response> {
  try {
    const finished = run.finish(await run.run(application))
    // An `await` of what is there already would cost a turn.
    return isPromise(finished) ? await finished : finished
  } catch (thrown) {
    return answerThrown(run, thrown, onError)
  }
}

async function answerThrown<Data extends object>(
  run: FetchRun<Data>,
  thrown: unknown,
  onError: (error: unknown) => MaybePromise<Response>,
): Promise<Response> {
  if (!isResponse(thrown)) return answerError(run, thrown, onError)
  let response: Response
  try {
    response = await run.finish(thrown)
  } catch (error) {
    return answerError(run, error, onError)
  }
  throw response
}

/** When nobody answers, the client cannot be told; what was changed is saved all the same. */
async function answerError<Data extends object>(
  run: FetchRun<Data>,
  error: unknown,
  onError: (error: unknown) => MaybePromise<Response>,
): Promise<Response> {
  run.handlerFailed()
  try {
    return await run.finish(await run.run(() => onError(error)))
  } catch (thrown) {
    if (isResponse(thrown)) throw await run.finish(thrown)
    await run.finishUnanswered()
    throw thrown
  }
}
