import { codeOf, isError, messageOf } from './errors.ts'
import { isThenable } from './thenable.ts'

/** Reports what nobody can be told of. (Node takes no error of another realm here, but any text.) */
export function warn(error: unknown, prefix = ''): void {
  const cause = isError(error) && isError(error.cause) ? error.cause : error
  process.emitWarning(prefix + messageOf(error), {
    type: isError(error) ? String(error.name) : 'Warning',
    code: codeOf(error) ?? '',
    detail: isError(cause) ? String(cause.stack) : '',
  })
}

/**
 * A listener of the application whose own failure stops nothing, thrown or rejected: the first one is
 * reported by `process.emitWarning`.
 */
export function guarded<Values extends unknown[]>(
  name: string,
  listener: (...values: Values) => unknown,
): (...values: Values) => void {
  let hasFailed = false
  const failed = (error: unknown): void => {
    if (!hasFailed) warn(error, `\`${name}\` failed: `)
    hasFailed = true
  }
  return (...values) => {
    try {
      const result = listener(...values)
      if (isThenable(result)) Promise.resolve(result).then(undefined, failed)
    } catch (error) {
      failed(error)
    }
  }
}
