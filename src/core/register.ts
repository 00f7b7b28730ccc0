/**
 * Where you tell the data type of your sessions, once, for all that frameworks hand you:
 *
 * @example
 * declare module 'gsession' {
 *   interface Register {
 *     data: { user: User; views: number }
 *   }
 * }
 */
// biome-ignore lint/suspicious/noEmptyInterface: it is filled in by whoever uses it
export interface Register {}

/** The data type that was told in {@link Register}; of unknown values when none was. */
export type RegisteredData = Register extends { data: infer Data extends object }
  ? Data
  : Record<string, unknown>
