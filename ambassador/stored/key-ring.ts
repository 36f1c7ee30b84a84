import { randomFillSync } from '#shared/builtins.ts'
import { secretKey } from '#shared/config/secrets.ts'
import type { Snapshot } from '#shared/config/snapshot.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { Log } from '#shared/telemetry/access-log.ts'
import { Sealer } from './sealer.ts'

/** A key shorter than its hash weakens it: RFC 2104, 3. */
const keyBytesLeast = 32

/** Whether `provider` has anything whose ids are sealed. */
export function storesResponses({ config }: Snapshot, provider: string): boolean {
  const dialects = config.providers[provider]?.dialects ?? []
  return dialects.some((name) => name === 'responses')
}

/** Keys that seal ids, of one process. */
export class KeyRing {
  readonly #log: Log
  /** For as long as the configuration names none. */
  readonly #own = new Sealer([randomFillSync(Buffer.alloc(keyBytesLeast))])
  readonly #bySnapshot = new WeakMap<Snapshot, Sealer | CallError>()
  #hasTold = false
  #state: object = { keys: 'none yet' }

  constructor(log: Log) {
    this.#log = log
  }

  /** Of the configuration that a call began with. Throws `not-configured` where its first key cannot be used. */
  sealerOf(snapshot: Snapshot): Sealer {
    const known = this.#bySnapshot.get(snapshot) ?? this.#read(snapshot)
    if (known instanceof CallError) throw known
    return known
  }

  /** Takes over a configuration, and tells of keys that cannot be used. */
  apply(snapshot: Snapshot): void {
    this.#read(snapshot)
  }

  /** For the status page. */
  status(): object {
    return this.#state
  }

  #read(snapshot: Snapshot): Sealer | CallError {
    const read = this.#sealerFor(snapshot)
    this.#bySnapshot.set(snapshot, read)
    return read
  }

  #sealerFor({ config, secrets }: Snapshot): Sealer | CallError {
    const names = config.storedIds.secrets.map(secretKey)
    if (names.length === 0) {
      this.#tellOwn()
      return this.#own
    }
    const keys: Buffer[] = []
    const unusable: string[] = []
    let first: CallError | undefined
    for (const [at, name] of names.entries()) {
      const key = Buffer.from(secrets.values.get(name) ?? '')
      if (key.length >= keyBytesLeast) {
        keys.push(key)
        continue
      }
      const state = key.length === 0 ? 'has no value' : `is shorter than ${keyBytesLeast} bytes`
      unusable.push(`'${name}' ${state}`)
      if (at === 0) {
        first = new CallError('not-configured', `Cannot seal stored ids: '${name}' ${state}`)
      }
    }
    this.#state = { keys: 'configured', usable: keys.length, unusable }
    if (unusable.length > 0) {
      this.#log.warn({ unusable }, 'A key for stored ids cannot be used')
    }
    // With another one to sign, two replicas would disagree and nobody would notice.
    return first ?? new Sealer(keys)
  }

  #tellOwn(): void {
    this.#state = {
      keys: 'own',
      meaning: 'ids of stored responses end with this process, and no other replica knows them',
    }
    if (this.#hasTold) return
    this.#hasTold = true
    this.#log.info(
      {},
      'No storedIds.secrets: ids of stored responses end with this process, and no other replica knows them',
    )
  }
}
