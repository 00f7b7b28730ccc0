/** The keys of a session's data type. */
export type KeyOf<Data> = keyof Data & string

/**
 * What `get(key, fallback)` resolves to: the value or the fallback, never `null` or `undefined`
 * from the storage. In an untyped session, where nothing is known of the value, it has the
 * fallback's type.
 */
export type ValueOr<Value, Fallback> = unknown extends Value
  ? Fallback
  : Exclude<Value, null | undefined> | Fallback
