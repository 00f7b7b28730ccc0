export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** How far the values lie apart, as a share of their median. */
export function spread(values) {
  return (Math.max(...values) - Math.min(...values)) / median(values)
}

const PAUSE_MILLISECONDS = 5000
let toldAt = Number.NEGATIVE_INFINITY

/** One line that is written over and over; where there is no terminal, a line every five seconds. */
export function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
  else if (performance.now() > toldAt + PAUSE_MILLISECONDS) {
    toldAt = performance.now()
    process.stderr.write(`${text}\n`)
  }
}
