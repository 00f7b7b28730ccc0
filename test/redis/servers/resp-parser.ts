/** What a server answers in RESP2. An error inside of an array is a value, as it is there. */
export type Reply = string | number | null | RespError | readonly Reply[]

/** An error that a server answered with. */
export class RespError extends Error {
  override readonly name = 'RespError'
}

interface Parsed {
  readonly reply: Reply
  readonly end: number
}

/** Takes a stream of bytes apart into the replies (or the commands: the format is the same) in it. */
export class RespParser {
  #rest: Buffer = Buffer.alloc(0)

  /** The replies that these bytes complete. */
  feed(bytes: Buffer): Reply[] {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    const replies: Reply[] = []
    let at = 0
    for (;;) {
      const parsed = parse(this.#rest, at)
      if (parsed === undefined) break
      replies.push(parsed.reply)
      at = parsed.end
    }
    this.#rest = this.#rest.subarray(at)
    return replies
  }
}

/** The reply at a place, or undefined if it is not there as a whole yet. */
function parse(bytes: Buffer, start: number): Parsed | undefined {
  const lineEnd = bytes.indexOf('\r\n', start)
  if (lineEnd === -1) return undefined
  const line = bytes.toString('utf8', start + 1, lineEnd)
  const end = lineEnd + 2
  switch (bytes.toString('latin1', start, start + 1)) {
    case '+':
      return { reply: line, end }
    case '-':
      return { reply: new RespError(line), end }
    case ':':
      return { reply: Number(line), end }
    case '$':
      return parseText(bytes, end, Number(line))
    case '*':
      return parseArray(bytes, end, Number(line))
    default:
      throw new Error(`This is not RESP2: ${line}`)
  }
}

function parseText(bytes: Buffer, start: number, length: number): Parsed | undefined {
  if (length === -1) return { reply: null, end: start }
  if (bytes.length < start + length + 2) return undefined
  return { reply: bytes.toString('utf8', start, start + length), end: start + length + 2 }
}

function parseArray(bytes: Buffer, start: number, length: number): Parsed | undefined {
  if (length === -1) return { reply: null, end: start }
  const reply: Reply[] = []
  let end = start
  while (reply.length < length) {
    const item = parse(bytes, end)
    if (item === undefined) return undefined
    reply.push(item.reply)
    end = item.end
  }
  return { reply, end }
}
