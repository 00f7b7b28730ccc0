/**
 * How long to wait for what comes by itself, in milliseconds. A machine that does other work makes a
 * test slow, never red: this is a little less than the time that vitest gives a test.
 */
export const PATIENCE = 240_000
