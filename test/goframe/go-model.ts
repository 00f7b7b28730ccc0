import { applied, type Data, type HashesModel, REMOVED, type RecordsModel } from './stored-model.ts'

type Changes = ReadonlyMap<string, unknown>

/** A request in Go, defects included: see docs/goframe.md. */
export abstract class GoRequestModel {
  /** `''` until there is one. Whatever the client sends is taken. */
  id: string
  #isStarted = false
  #isDirty = false

  constructor(id: string) {
    this.id = id
  }

  /** Whether it has its final id. */
  get isStarted(): boolean {
    return this.#isStarted
  }

  /** @param idNow - the id of the real session afterwards, should it have made one */
  set(values: Changes, idNow: string): void {
    this.#start(idNow)
    this.change(new Map(values))
    this.#isDirty = true
  }

  remove(keys: readonly string[]): void {
    if (this.id === '') return
    this.set(new Map(keys.map(key => [key, REMOVED])), this.id)
  }

  removeAll(): void {
    if (this.id === '') return
    this.#start(this.id)
    this.drop(this.id)
    this.clear()
    this.#isDirty = true
  }

  data(): Data {
    if (this.id === '') return new Map()
    this.#start(this.id)
    return this.read()
  }

  regenerate(deleteOld: boolean, newId: string): void {
    this.#start('')
    this.save(newId)
    if (deleteOld) this.drop(this.id)
    this.id = newId
    this.#isDirty = true
  }

  close(): void {
    if (this.#isStarted && this.#isDirty) this.save(this.id)
  }

  #start(idNow: string): void {
    if (this.#isStarted) return
    this.#isStarted = true
    if (this.id === '') this.id = idNow
    else this.load()
  }

  protected abstract load(): void
  protected abstract read(): Data
  protected abstract change(changes: Data): void
  protected abstract clear(): void
  protected abstract drop(id: string): void
  /** What `Close` and `RegenerateId` do. */
  protected abstract save(id: string): void
}

/** With files and Redis strings: works on what it loaded, and overwrites the record with that. */
export class GoRecordModel extends GoRequestModel {
  readonly #records: RecordsModel
  #data: Data = new Map()

  constructor(records: RecordsModel, id: string) {
    super(id)
    this.#records = records
  }

  protected load(): void {
    this.#data = this.#records.seenByGo(this.id)
  }

  protected read(): Data {
    return this.#data
  }

  protected change(changes: Data): void {
    this.#data = applied(this.#data, changes)
  }

  protected clear(): void {
    this.#data = new Map()
  }

  protected drop(id: string): void {
    this.#records.remove(id)
  }

  protected save(id: string): void {
    this.#records.overwrite(id, this.#data)
  }
}

/** With Redis hashes: keeps nothing itself, so that there is nothing to save, nor to regenerate. */
export class GoHashModel extends GoRequestModel {
  readonly #hashes: HashesModel

  constructor(hashes: HashesModel, id: string) {
    super(id)
    this.#hashes = hashes
  }

  protected load(): void {}

  protected read(): Data {
    return this.#hashes.seenByGo(this.id)
  }

  protected change(changes: Data): void {
    this.#hashes.changeByGo(this.id, changes)
  }

  protected clear(): void {}

  protected drop(id: string): void {
    this.#hashes.remove(id)
  }

  protected save(): void {}
}
