/** Headers that say something of one answer, and must not be said of another that takes its place. */
export const ANSWER_HEADERS: readonly string[] = [
  'Accept-Ranges',
  'Cache-Control',
  'Content-Disposition',
  'Content-Encoding',
  'Content-Language',
  'Content-Length',
  'Content-Range',
  'Content-Type',
  'ETag',
  'Expires',
  'Last-Modified',
  'Location',
  'Transfer-Encoding',
]
