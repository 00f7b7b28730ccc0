export interface Mutation {
  readonly file: string
  readonly name: string
  readonly from: string
  readonly to: string
  /** Why nobody could notice it. */
  readonly equivalent: string | undefined
  readonly tests: readonly string[]
}
export const MUTATIONS: readonly Mutation[]
