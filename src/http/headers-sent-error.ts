import type { NodeResponse } from './held-response.ts'

/** What a response throws when its head is changed, or a second one written, after it was sent. */
export function headersSentError(
  response: NodeResponse,
  verb: 'write' | 'set' | 'append' | 'remove',
): Error {
  const isHttp2 = 'stream' in response
  const error = new Error(
    isHttp2
      ? 'Response has already been initiated.'
      : `Cannot ${verb} headers after they are sent to the client`,
  )
  return Object.assign(error, {
    code: isHttp2 ? 'ERR_HTTP2_HEADERS_SENT' : 'ERR_HTTP_HEADERS_SENT',
  })
}
