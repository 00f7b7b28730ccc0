/** What the visitors of this program have in their sessions. */
export interface User {
  readonly name: string
}

declare module 'gsession' {
  interface Register {
    data: { user: User; views: number }
  }
}
