import { readFileSync } from 'node:fs'

/** What a version of GoFrame wrote, by the name of the case; bytes in base64. See interop/record.go. */
export interface Recording {
  readonly goframe: string
  readonly files: Readonly<Record<string, string>>
  readonly crypted: Readonly<Record<string, string>>
  readonly strings: Readonly<Record<string, string>>
  readonly hashes: Readonly<Record<string, Readonly<Record<string, string>>>>
}

export const RECORDINGS: readonly Recording[] = ['newest', '2.6.4'].map(version =>
  JSON.parse(readFileSync(new URL(`../fixtures/goframe/${version}.json`, import.meta.url), 'utf8')),
)

let ground: unknown = 'ground'
for (let level = 0; level < 20; level++) ground = { down: [ground] }

/** What the values of interop/values.go are here, from a file or a Redis string. */
export const VALUES: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['time', '2024-01-02T03:04:05.678901234Z'],
  ['gtime', '2024-01-02 03:04:05'],
  ['bytes', 'aGkA/w=='],
  ['struct', { name: 'Ann', age: 30, born: '2024-01-02T03:04:05.678901234Z' }],
  ['pointer', { name: 'Bob', age: 0, born: '0001-01-01T00:00:00Z' }],
  ['duration', 90_000_000_000],
  ['nil', null],
  ['int64Max', 9223372036854775807n],
  ['int64Min', -9223372036854775808n],
  ['uint64Max', 18446744073709551615n],
  ['beyondSafe', 9007199254740993n],
  ['id', 1265476890672672808n],
  ['one', 1],
  ['1e20', 100000000000000000000n],
  ['1e21', 1e21],
  ['1e-6', 1e-6],
  ['1e-7', 1e-7],
  ['minusZero', -0],
  ['float32', 0.1],
  ['maxFloat', Number.MAX_VALUE],
  ['html', "<a href='x'>&\u2028\u2029</a>"],
  ['control', '\b\f\n\r\t\0\x1f\x7f"\\'],
  ['unicode', 'ü€😀'],
  ['invalidUTF8', 'a\ufffdb'],
  ['empty', ''],
  ['yes', true],
  ['no', false],
  ['slice', [1, 'two', null, 1e21, { '<k>': '<v>' }]],
  ['nilSlice', null],
  ['emptyMap', {}],
  ['mapOfInts', { 1: 'one', 9: 'nine', 10: 'ten' }],
  ['deep', ground],
  ['__proto__', 'a key like any other'],
  ['', 'the empty key'],
  ['key \0 <é>😀', 'a key that JSON escapes'],
])

export const bytesOf = (base64: string | undefined): Buffer => Buffer.from(base64 ?? '', 'base64')
