import type { NodeResponse } from './held-response.ts'

/** What a response throws when a second head is written. */
export function headersSentError(response: NodeResponse): Error {
  const isHttp2 = 'stream' in response
  const error = new Error(
    isHttp2
      ? 'Response has already been initiated.'
      : 'Cannot write headers after they are sent to the client',
  )
  return Object.assign(error, {
    code: isHttp2 ? 'ERR_HTTP2_HEADERS_SENT' : 'ERR_HTTP_HEADERS_SENT',
  })
}
