import type { NodeResponse } from './held-response.ts'

/** RFC 9113 7. */
const INTERNAL_ERROR = 2

/** Ends a response such that the client cannot take what it got for the whole. */
export function cutOff(response: NodeResponse): void {
  if ('stream' in response) response.stream.close(INTERNAL_ERROR)
  else response.destroy()
}
