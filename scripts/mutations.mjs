// Lines whose loss would be a hole, each broken on purpose by npm run mutate: at least one of the tests
// beside it has to fail. A mutation that changes nothing that anybody could see says why: `equivalent`.

const CORE = ['test/core/session', 'test/core/session-methods', 'test/core/session-order']
const FILES = ['test/storages/file', 'test/storages/file-contract']
const MEMORY = ['test/storages/memory', 'test/storages/memory-time']
const HTTP = ['test/http/node', 'test/http/options']
const COOKIE = ['test/http/options', 'test/http/name-prefix', 'test/http/cookie']
const REDIS = ['test/redis/kv', 'test/redis/hash', 'test/redis/contract-redis']
const CACHE = ['test/redis/read-cache', 'test/redis/cache']
const CUSTOM = ['test/core/custom-storage', 'test/storages/custom-contract']

/** By file: what is broken, the text that stands there, what takes its place, and other tests than the file's. */
const LISTS = {
  'src/core/session-id.ts': {
    tests: ['test/core/session-id', ...CORE],
    lines: [
      ['ids of 32 bytes', 'const ID_BYTES = 32', 'const ID_BYTES = 16'],
      ['new random bytes when the pool is used up', 'randomFillSync(pool)', 'pool'],
      ['each id has bytes of its own', 'next += ID_BYTES', 'next += 0'],
      [
        'an id that was given out leaves memory',
        'pool.fill(0, next',
        'pool.fill(0, next + ID_BYTES',
        { equivalent: 'only a dump of the memory shows it' },
      ],
      ['the characters of an id', '{1,128}$/', '{1,128}/'],
      ['hashing at rest', "hash('sha256', id, 'hex')", 'id'],
    ],
  },
  'src/core/make-id.ts': {
    tests: ['test/core/session-id', 'test/core/manager', ...CORE],
    lines: [
      ['ids from outside are long enough', 'id.length >= SHORTEST_MADE_ID', 'id.length >= 1'],
      ['a chosen id has the shape', 'if (isSessionId(id)) return id', 'return id'],
    ],
  },
  'src/core/key.ts': {
    tests: [...CORE, 'test/core/values'],
    lines: [["the library's own keys are refused", '&& !isReserved(key)', '']],
  },
  'src/core/changes.ts': {
    tests: [...CORE, ...MEMORY],
    lines: [
      ['what is removed is removed', 'for (const key of changes.removed) data.delete(key)', ''],
      ['an update sees what is stored', 'fn(data.get(key))', 'fn(undefined)'],
    ],
  },
  'src/core/pending-changes.ts': {
    tests: CORE,
    lines: [
      [
        'a key that is removed is not set as well',
        'this.set.delete(key)\n    this.removed.add(key)',
        'this.removed.add(key)',
      ],
      [
        'a key that is set is not removed as well',
        'this.removed.delete(key)\n    this.set',
        'this.set',
      ],
      [
        'a failed save brings removals back',
        'for (const key of older.removed) {',
        'for (const key of []) {',
      ],
    ],
  },
  'src/core/stored-session.ts': {
    tests: ['test/core/goframe-rows', 'test/core/manager', ...CORE],
    lines: [
      [
        'destroy forgets the chosen id',
        'this.#chosen = this.#wasThere = this.#exists',
        'this.#wasThere = this.#exists',
      ],
      ['destroy removes what is stored', 'await this.#storage.destroy(idAtRest)', ''],
      [
        'destroy forgets what it knew',
        'this.#exists = false\n      this.#forget()',
        'this.#exists = false',
      ],
      ['an unknown id is never adopted', 'if (!this.#chosen) this.#id = next', ''],
      ['a taken id is not used', 'else this.#id = undefined\n    return false', 'return true'],
      [
        'a session that has ended is not begun again',
        'if (this.#wasThere) throw sessionGone()',
        '',
      ],
      [
        'a regenerated id replaces the old one',
        'this.#id = newId\n    this.#chosen = false\n    this.#exists',
        'this.#exists',
      ],
      [
        'regenerating keeps the old id only when asked to',
        'rotate(id, to, changes, ttl, keepOld)',
        'rotate(id, to, changes, ttl, true)',
      ],
      ['a rotation to a taken id is no rotation', "if (rotation === 'taken') return false", ''],
      ['a failed save can be tried again', 'failed?.()', ''],
    ],
  },
  'src/core/read-only.ts': {
    tests: ['test/core/read-only', 'test/core/values', ...CORE],
    lines: [
      ['what a session returned loses no member', 'deleteProperty: refuse,', ''],
      [
        'nor its members',
        'get: (target, key, receiver) => readOnly(',
        'get: (target, key, receiver) => (',
      ],
    ],
  },
  'src/core/value.ts': {
    tests: ['test/core/values', 'test/core/value-texts'],
    lines: [
      ['nesting is limited', 'ancestors.length === MAX_DEPTH', 'false'],
      ['__proto__ is a key', "key !== '__proto__'", 'true'],
      ['circles are refused', 'ancestors.includes(value)', 'false'],
      ['numbers are finite', '!Number.isFinite(value)) refuse', 'false) refuse'],
    ],
  },
  'src/core/options.ts': {
    tests: ['test/core/options', 'test/core/manager', 'test/http/options'],
    lines: [
      ['objects are not shown', "return 'an object'", 'return JSON.stringify(value)'],
      [
        'unknown options are refused',
        'if (unknown === undefined) return',
        'if (unknown !== known) return',
      ],
    ],
  },
  'src/core/manager.ts': {
    tests: ['test/core/manager', 'test/core/session-id', 'test/core/session'],
    lines: [
      ['ids are hashed at rest by default', "idAtRest = 'hashed'", "idAtRest = 'plain'"],
      [
        'what is no id is not watched',
        'if (!isSessionId(id)) throw',
        'if (!isSessionId(id)) if (false) throw',
        { also: ['test/core/watch'] },
      ],
    ],
  },
  'src/core/refresh-queue.ts': {
    tests: [
      'test/core/refresh-queue',
      'test/core/session',
      'test/core/manager',
      'test/http/sliding',
    ],
    lines: [
      ['a session that ended is not refreshed', 'this.#accessedAt.delete(id)', 'undefined'],
      [
        'what could not be refreshed is refreshed later',
        'new Map([...alive, ...this.#accessedAt])',
        'new Map(this.#accessedAt)',
      ],
    ],
  },
  'src/core/session-watch.ts': {
    tests: ['test/core/watch'],
    lines: [
      ['a watch tells of the end', 'this.stop()\n    this.#ended()', 'this.stop()'],
      [
        'a storage that is down is no end',
        'if (!this.#isOver) this.#fail(error)\n      return',
        'if (!this.#isOver) this.#fail(error)',
      ],
      [
        'a watch that was stopped tells nothing',
        'if (this.#isOver) return\n    this.#isFailing',
        'this.#isFailing',
      ],
    ],
  },
  'src/core/turns.ts': {
    tests: ['test/core/turns', ...CORE],
    lines: [['work on one session is done in turn', 'if (this.#isTaken) {', 'if (false) {']],
  },
  'src/core/keyed-queue.ts': {
    tests: ['test/core/keyed-queue', ...CUSTOM],
    lines: [
      [
        'changes of one session are made one after another',
        'if (turn !== undefined) await turn',
        '',
      ],
    ],
  },
  'src/core/adapt-storage.ts': {
    tests: CUSTOM,
    lines: [
      [
        'a custom storage creates no session twice',
        '!== undefined) return false\n    const kept',
        '=== null) return false\n    const kept',
      ],
      ['a session that is away is not written', 'if (loaded === undefined) return false', ''],
      ['rotate removes the old session', 'if (!keepOld) await this.#destroy(call, id, ttl)', ''],
      [
        'what was removed is removed from keys, too',
        'for (const key of removed) if (!data.has(key))',
        'for (const key of []) if (!data.has(key))',
      ],
    ],
  },
  'src/core/errors.ts': {
    tests: ['test/core/errors', 'test/core/manager', 'test/core/custom-storage', ...CORE],
    lines: [
      [
        'a failure of the storage is ERR_STORAGE',
        "new SessionError('ERR_STORAGE', message, { cause: error })",
        "new SessionError('ERR_GONE', message, { cause: error })",
      ],
      ['a session that has ended is a conflict', 'ERR_GONE: 409', 'ERR_GONE: 503'],
    ],
  },
  'src/storages/memory.ts': {
    tests: [...MEMORY, 'test/core/watch'],
    lines: [
      ['create never overwrites', 'if (this.#find(id) !== NO_SLOT) return false', ''],
      [
        'merge revives nothing',
        'if (slot === NO_SLOT) return false\n    this.#records.merge',
        'if (slot === NO_SLOT) return true\n    this.#records.merge',
      ],
      ['an expired session is away', 'this.#expiry.deadline(slot) >= now', 'true'],
      ['rotate never overwrites', "if (this.#find(newId) !== NO_SLOT) return 'taken'", ''],
      ['rotate removes the old session', 'if (!keepOld) this.#remove(slot)', ''],
      ['a refresh shortens nothing', 'Math.max(end, time + ttl)', 'time + ttl'],
      ['destroy removes', 'if (slot !== NO_SLOT) this.#remove(slot)', ''],
    ],
  },
  'src/storages/memory-records.ts': {
    tests: ['test/storages/memory-records', ...MEMORY],
    lines: [
      [
        'a record that was handed out stays as it was',
        'split.isShared = true',
        'split.isShared = false',
      ],
    ],
  },
  'src/storages/aes-gcm.ts': {
    tests: ['test/storages/file-encryption', 'test/storages/file-truncation'],
    lines: [
      ['a new nonce for each record', 'randomBytes(NONCE_BYTES)', 'Buffer.alloc(NONCE_BYTES)'],
      ['older keys read', 'for (const key of decrypting)', 'for (const key of [encrypting])'],
    ],
  },
  'src/storages/file-encryption.ts': {
    tests: ['test/storages/file-encryption'],
    lines: [
      ['keys have 32 bytes', '|| key.byteLength !== KEY_BYTES', ''],
      ['a misspelt key is no other key', 'isWhole ? bytes : undefined', 'bytes'],
    ],
  },
  'src/storages/foreign-record.ts': {
    tests: ['test/storages/file-encryption'],
    lines: [
      ['a newer record stays where it is', 'if (isNewer(prefix.version))', 'if (false)'],
      ['a damaged record is put aside', '|| cipher.keyIds.includes(prefix.keyId)', ''],
    ],
  },
  'src/storages/file-life.ts': {
    tests: [...FILES, 'test/storages/file-sweep'],
    lines: [
      [
        'an expired session is away',
        'this.endOf(record, ttl, now) < now) return false',
        'false) return false',
      ],
      ['a clock that was ahead lengthens nothing', 'Math.min(record.usedAt, now)', 'record.usedAt'],
    ],
  },
  'src/storages/file-calls.ts': {
    tests: ['test/storages/file-modes', 'test/storages/file'],
    lines: [
      ['folders are private, .locks too', 'chmodSync(path, 0o700)', 'chmodSync(path, 0o777)'],
      ['the umask takes nothing away', '!== 0o700) chmodSync', '=== 0) chmodSync'],
    ],
  },
  'src/storages/file-folder.ts': {
    tests: ['test/storages/file'],
    lines: [
      ['what is no file is no session', 'if (!stats.isFile()) {', 'if (false) {'],
      [
        'a folder that others can write is refused',
        'GROUP_OR_WORLD_WRITABLE = 0o022',
        'GROUP_OR_WORLD_WRITABLE = 0',
      ],
      ["another user's folder is refused", 'if (stats.uid !== user)', 'if (false)'],
      ['a link in place of the folder is refused', 'lstatSync(folder)', 'statSync(folder)'],
      ['a folder that is gone is no "no session"', '|| stats.dev !== this.#disk) {', ') {'],
    ],
  },
  'src/storages/file-lock.ts': {
    tests: ['test/storages/file', 'test/storages/file-processes', 'test/storages/file-stopped'],
    lines: [
      ['a lock has one holder', 'constants.O_EXCL |', ''],
      [
        'session files are private',
        'fchmodSync(this.#descriptor, 0o600)',
        'fchmodSync(this.#descriptor, 0o666)',
      ],
      [
        'a lock that was lost is not stored through',
        'this.#since > LEASE / 2',
        'this.#since > 99 * LEASE',
      ],
      ['a living lock is not taken away', 'now - this.#seenAt > LEASE', 'true'],
    ],
  },
  'src/storages/file-locks.ts': {
    tests: ['test/storages/file', 'test/storages/file-sweep', 'test/storages/file-processes'],
    lines: [['another lock is not taken away', '|| !isSameFile(found, stats)', '']],
  },
  'src/storages/file-records.ts': {
    tests: [...FILES, 'test/storages/file-sweep', 'test/storages/file-encryption'],
    lines: [
      [
        'changes of one session are made one after another',
        'this.#queue.run(id, () => this.#pace',
        '(() => this.#pace',
      ],
      ['what cannot be read is put aside', 'renameSync(path, join(', 'void (path, join('],
    ],
  },
  'src/storages/file-record.ts': {
    tests: ['test/storages/file-encryption', 'test/storages/file-truncation', ...FILES],
    lines: [
      [
        'an undecryptable record is unreadable',
        'if (json === undefined) throw',
        'if (json === undefined) return undefined\n  if (json === null) throw',
      ],
    ],
  },
  'src/storages/file-cache.ts': {
    tests: [...FILES, 'test/storages/file-processes'],
    lines: [
      ['a file that was changed is read again', 'a.mtimeMs === b.mtimeMs &&', ''],
      ['a file that may change within its tick is not trusted', '!entry.certain ||', ''],
    ],
  },
  'src/storages/file.ts': {
    tests: [...FILES, 'test/storages/watch'],
    lines: [
      ['create never overwrites', 'if (this.#life.isAlive(held.record, ttl)) return false', ''],
      [
        'merge revives nothing',
        'const record = await this.#life.living(held, ttl)',
        'const { record } = held',
      ],
      ['rotate never overwrites', "if (this.#life.isAlive(fresh.record, ttl)) return 'taken'", ''],
      ['rotate removes the old session', 'if (!keepOld) await old.remove()', ''],
      ['a refresh revives nothing', 'this.#life.endOf(record, ttl, time) < time', 'false'],
      [
        'malformed ids reach no file',
        "if (!isSessionId(id)) throw new SessionError('ERR_ID', 'Expected a session id')",
        '',
      ],
      [
        'a closed storage refuses',
        "if (this.#closed) throw new SessionError('ERR_CLOSED', 'The session storage is closed')",
        '',
      ],
    ],
  },
  'src/storages/redis-error.ts': {
    tests: ['test/redis/redis-error', 'test/redis/faults-secrets'],
    lines: [
      ['no key of Redis in an error', "text = text.replaceAll(redisKey, '<key>')", ''],
      [
        'no arguments in an error',
        "message.replace(/,? with args beginning with:.*/s, '')",
        'message',
      ],
    ],
  },
  'src/storages/redis-read-cache.ts': {
    tests: CACHE,
    lines: [
      [
        'what changed while it was read is not kept',
        'this.#reading.get(redisKey) === token\n',
        'true\n',
      ],
      [
        'a lost connection empties the cache',
        'this.#isLive = false\n    this.changed(undefined)',
        '',
      ],
      ['nothing is kept for more than ten seconds', 'Math.min(lifetime, MAX_AGE)', 'lifetime'],
      ['nothing is kept beyond its ttl', 'Math.min(lifetime, MAX_AGE)', 'MAX_AGE'],
    ],
  },
  'src/storages/redis-keys.ts': {
    tests: [...REDIS, 'test/redis/foreign-keys'],
    lines: [
      [
        'malformed ids reach no Redis',
        "if (!isSessionId(id)) throw new SessionError('ERR_ID', 'Expected a session id')",
        '',
      ],
      [
        'no name is taken for an id',
        'return this.arePrefixed && this.#isMade(redisKey)',
        'return true',
      ],
    ],
  },
  'src/storages/redis-calls.ts': {
    tests: [...REDIS, 'test/redis/ttl-changed', 'test/redis/foreign-keys'],
    lines: [
      ['a refresh shortens nothing', "expire(left, 'gt')", 'expire(left)'],
      ['a lowered ttl counts', "await expire(ttl, 'xx', 'lt')", 'await undefined'],
      ['what has no ttl is no session', 'return left > 0 ? reply : undefined', 'return reply'],
    ],
  },
  'src/storages/redis-storage.ts': {
    tests: REDIS,
    lines: [
      ['a change empties the cache', 'cache.changed(redisKey))', 'undefined)', { also: CACHE }],
      [
        'a closed storage refuses',
        "if (this.#closed) throw new SessionError('ERR_CLOSED', 'The session storage is closed')",
        '',
      ],
    ],
  },
  'src/storages/redis.ts': {
    tests: ['test/redis/kv', 'test/redis/taken-ids', 'test/redis/foreign-keys'],
    lines: [
      ['create never overwrites', "'nx', 'get'", "'get'"],
      ['nothing of others is put aside', 'if (!this.keys.arePrefixed) return undefined', ''],
    ],
  },
  'src/storages/redis-string-scripts.ts': {
    tests: ['test/redis/kv', 'test/redis/interleavings', 'test/redis/taken-ids'],
    lines: [
      ['rotate never overwrites', 'if taken then return', 'if false then return'],
      [
        'what others wrote meanwhile is not put aside',
        "if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end",
        '',
      ],
    ],
  },
  'src/storages/file-sweeper.ts': {
    tests: ['test/storages/file-sweep'],
    lines: [['a sweep removes nothing but sessions', 'if (!isSessionId(id)) return false', '']],
  },
  'src/storages/redis-hash-scripts.ts': {
    tests: ['test/redis/hash', 'test/redis/contract-redis'],
    lines: [
      [
        'merge revives nothing',
        "if redis.call('exists', KEYS[1]) == 0 then return 0 end\nput(3)",
        'put(3)',
      ],
      ['rotate never overwrites', "if redis.call('exists', KEYS[2]) == 1 then return 2 end", ''],
    ],
  },
  'src/storages/redis-watch.ts': {
    tests: ['test/redis/watch'],
    lines: [
      [
        'no id is published',
        'return [this.#channel, hashSessionId(id)]',
        'return [this.#channel, id]',
      ],
    ],
  },
  'src/storages/redis-removal.ts': {
    tests: ['test/redis/watch', 'test/redis/faults-records'],
    lines: [['a removal is told', 'if removed == 1 then tellEnded(ARGV[1], ARGV[2]) end', '']],
  },
  'src/open-storage.ts': {
    tests: ['test/core/options', 'test/redis/open-storage'],
    lines: [
      [
        'no password in an error',
        "'redis://user:password@host:port/database', 'no such URL'",
        "'redis://user:password@host:port/database', url",
      ],
    ],
  },
  'src/http/cookie.ts': {
    tests: COOKIE,
    lines: [
      ['HttpOnly', "if (attributes.httpOnly) text += '; HttpOnly'", ''],
      ['Secure', "if (attributes.secure) text += '; Secure'", ''],
      ['SameSite', 'if (attributes.sameSite !== false)', 'if (false)'],
      ['the whole name of a cookie counts', "before < 0 || header[before] === ';'", 'true'],
    ],
  },
  'src/http/cookie-settings.ts': {
    tests: [...COOKIE, ...HTTP],
    lines: [
      ['HttpOnly by default', 'httpOnly = true', 'httpOnly = false'],
      ['SameSite=Lax by default', "sameSite = 'lax', partitioned", 'sameSite = false, partitioned'],
      ['a __Host- cookie has no domain', 'domain === undefined, `without', 'true, `without'],
      ['a cookie path holds no semicolon', '\\x20-\\x3a\\x3c-\\x7e', '\\x20-\\x7e'],
    ],
  },
  'src/http/transport.ts': {
    tests: [...HTTP, 'test/http/cache', 'test/http/cookie'],
    lines: [
      ['responses vary with the cookie', "this.#vary('Cookie')", ''],
      [
        'a malformed id in a header is none',
        'return isSessionId(id) ? id : undefined',
        'return id',
      ],
    ],
  },
  'src/http/caches.ts': {
    tests: ['test/http/cache'],
    lines: [
      [
        'a response with an id is not stored by caches',
        "setHeader('Cache-Control', 'no-store')",
        "setHeader('Cache-Control', 'no-cache')",
      ],
      [
        'nor by those that have a field of their own',
        "setHeader(name, 'no-store')",
        'responseHeader(name)',
      ],
    ],
  },
  'src/http/lifecycle.ts': {
    tests: [...HTTP, 'test/http/after-end', 'test/http/sliding', 'test/http/order'],
    lines: [
      ['no id is regenerated after the head', "if (headHasLeft && what === 'id')", 'if (false)'],
      ['nothing is changed after the end', 'if (hasEnded) refuse(', 'if (false) refuse('],
      ['a new id is told', '!transport.hasSent(storedId) ||', ''],
      ['saveOnError', '&& this.#hooks.status >= 500) return false', '&& false) return false'],
    ],
  },
  'src/http/held-response.ts': {
    tests: ['test/http/order', 'test/http/node'],
    lines: [
      [
        'the head waits for the save',
        "return this.#state === 'open' && !this.#headersSent && this.#gate.needsSave",
        'return false',
      ],
      ['a failed save drops the answer', 'this.#drop()\n', ''],
    ],
  },
  'src/http/origin.ts': {
    tests: ['test/adapters/ws-origin'],
    lines: [
      ['another site opens no WebSocket', 'origin === ownOrigin(exchange, settings)', 'true'],
      ['origins from the list alone', 'allowed.has(origin)', 'true'],
    ],
  },
  'src/http/upgrade-gate.ts': {
    tests: ['test/adapters/ws', 'test/adapters/ws-faults', 'test/adapters/ws-origin'],
    lines: [
      [
        'a connection without a session is refused when one is required',
        'if (id === undefined && this.#isRequired)',
        'if (false)',
      ],
      [
        'a refused origin goes no further',
        'outcome.refused(refusal)\n      return',
        'outcome.refused(refusal)',
      ],
    ],
  },
  'src/http/upgrade-run.ts': {
    tests: ['test/adapters/ws', 'test/adapters/ws-context'],
    lines: [
      ['a connection regenerates no id', "if (what === 'id') refuse('regenerate the id')", ''],
    ],
  },
  'src/adapters/ws.ts': {
    tests: ['test/adapters/ws', 'test/adapters/ws-end'],
    lines: [
      ['a connection ends with its session', 'client.close(closeCode, SESSION_ENDED)', ''],
      ['no message comes after the end', "client.removeAllListeners('message')", ''],
    ],
  },
  'src/adapters/grpc-call.ts': {
    tests: [
      'test/adapters/grpc',
      'test/adapters/grpc-ended',
      'test/adapters/grpc-streams',
      'test/adapters/grpc-held',
    ],
    lines: [
      [
        'a call without a session is refused when one is required',
        'storedId === undefined) this.#endWith(NO_SESSION)',
        "storedId === 'x') this.#endWith(NO_SESSION)",
      ],
      [
        'an answer waits for the save',
        'else if (this.#lifecycle.needsSave) void this.#hold([leave])',
        '',
      ],
      ['a stream ends with its session', '() => this.#endWith(SESSION_ENDED)', '() => {}'],
    ],
  },
  'src/adapters/grpc-status.ts': {
    tests: ['test/adapters/grpc', 'test/adapters/grpc-failures'],
    lines: [
      [
        'a failure tells a client nothing',
        "details: 'The session storage is unavailable'",
        "details: 'redis://'",
      ],
    ],
  },
}

/** All of them, each with its tests. */
export const MUTATIONS = Object.entries(LISTS).flatMap(([file, { tests, lines }]) =>
  lines.map(([name, from, to, { equivalent, also = [] } = {}]) => ({
    file,
    name,
    from,
    to,
    equivalent,
    tests: [...new Set([...tests, ...also])].map(path => `${path}.test.ts`),
  })),
)
