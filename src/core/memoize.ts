import { Recent } from './recent.ts'

const MAX_ANSWERS = 10_000

/**
 * The same function, which remembers what it answered for the texts seen last: those in use now are
 * asked for again and again. For functions whose answer depends on the text alone.
 */
export function memoize<Answer>(fn: (text: string) => Answer): (text: string) => Answer {
  const answers = new Recent<Answer>(MAX_ANSWERS)
  return text => {
    let answer = answers.get(text)
    if (answer === undefined) {
      answer = fn(text)
      answers.add(text, answer)
    }
    return answer
  }
}
