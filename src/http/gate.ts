/** What decides whether a response must wait, and for what. */
export interface Gate {
  /** Whether there is anything to do at all. */
  readonly isUsed: boolean
  readonly needsSave: boolean
  save(): Promise<void>
  /** Everything is saved: the last moment to set headers. */
  writeHead(): void
  /** The same for a head that is written in one call: answers its headers as a flat list. */
  listHead(headers: unknown): readonly unknown[]
  /**
   * The save failed. If the head has not left, the held answer is dropped and another may be given;
   * else the response can only be cut off.
   */
  failed(error: unknown): void
}
