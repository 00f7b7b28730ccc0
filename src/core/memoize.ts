import { Recent } from './recent.ts'

/** Bytes of texts and answers, of both generations: about twenty thousand ids and their hashes. */
const BUDGET = 8_000_000
/** What an entry takes beside its characters. */
const ENTRY_BYTES = 100
/** Longer texts are not asked for again and again; a few of them would take the place of all others. */
const MAX_LENGTH = 1024

/**
 * The same function, which remembers what it answered for the texts seen last: those in use now are
 * asked for again and again. For functions whose answer depends on the text alone.
 */
export function memoize(fn: (text: string) => string): (text: string) => string {
  let answers: Recent<string> | undefined
  return text => {
    if (text.length > MAX_LENGTH) return fn(text)
    answers ??= new Recent(BUDGET / 2)
    let answer = answers.get(text)
    if (answer === undefined) {
      answer = fn(text)
      answers.add(ownCopy(text), answer, ENTRY_BYTES + 2 * (text.length + answer.length))
    }
    return answer
  }
}

/** V8 keeps the whole record, or the whole header, that a piece was cut from as long as the piece. */
function ownCopy(text: string): string {
  return ` ${text}`.slice(1)
}
