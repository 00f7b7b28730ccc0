const NAME = /^[\p{L}_$][\p{L}\p{N}_$]*$/u
/** Enough to find it by. */
const MAX_STEP = 50

/** Where something stands, as JavaScript writes it: `user.tags[3]`. */
export function placeOf(path: readonly (string | number)[]): string {
  const steps = path.map(step => {
    if (typeof step === 'number') return `[${step}]`
    if (step.length > MAX_STEP) return `[${JSON.stringify(`${step.slice(0, MAX_STEP)}…`)}]`
    return NAME.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`
  })
  return steps.join('').replace(/^\./, '')
}
