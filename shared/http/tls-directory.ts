import { dirname, join } from 'node:path'
import type { Clock, Undo } from '#shared/call/clock.ts'
import { readVersion } from '#shared/config/read.ts'
import type { Log } from '#shared/telemetry/access-log.ts'

/** A server's certificate with its chain, and the key of it; both PEM. */
export interface TlsPair {
  readonly cert: string
  readonly key: string
  /** Milliseconds since 1970. */
  readonly expiresMs: number
}

interface DirectoryParts {
  /** Holds `tls.crt` and `tls.key`, as a mounted Secret does. */
  readonly directory: string
  readonly clock: Clock
  readonly log: Pick<Log, 'info' | 'error'>
}

/** A rotation leaves days for it, and a poll misses nothing that a watch may. */
const pollMs = 10_000
/** A swap between the two readings is over at the next. */
const readingsMax = 3

type Reading =
  | { readonly ok: true; readonly cert: string; readonly key: string }
  | { readonly ok: false; readonly reason: string }

/**
 * Follows a server's certificate and key by path. What cannot be used leaves the last pair in force
 * and says so once in the log: callers would be refused by it. Loads node:tls and so costs memory.
 */
export class TlsDirectory {
  readonly #parts: DirectoryParts
  #pair: TlsPair
  #seen: string
  #undo: Undo = () => {}
  #onChange: (pair: TlsPair) => void = () => {}

  /** Reads the first pair. Throws where there is none: nobody could connect. */
  constructor(parts: DirectoryParts) {
    this.#parts = parts
    const reading = readBoth(parts.directory)
    const checked = reading.ok ? checkPair(reading) : reading
    if (!checked.ok) throw new Error(`Cannot serve TLS of '${parts.directory}': ${checked.reason}`)
    this.#pair = checked.pair
    this.#seen = textOf(reading)
  }

  get pair(): TlsPair {
    return this.#pair
  }

  /** Tells of each pair to come, until it is closed. */
  follow(onChange: (pair: TlsPair) => void): void {
    this.#onChange = onChange
    this.#later()
  }

  /** Looks at once whether there is another pair. */
  check(): void {
    const { directory, clock, log } = this.#parts
    const reading = readBoth(directory)
    const text = textOf(reading)
    if (text === this.#seen) return
    this.#seen = text
    const checked = reading.ok ? checkPair(reading) : reading
    // One that has expired is worth less than whatever is there.
    const isExpired = checked.ok && checked.pair.expiresMs <= clock.wall()
    if (!checked.ok || isExpired) {
      const reason = checked.ok ? 'it has expired' : checked.reason
      log.error({ directory, reason }, 'Cannot use the TLS certificate: the last one stays')
      return
    }
    if (checked.pair.cert === this.#pair.cert && checked.pair.key === this.#pair.key) return
    this.#pair = checked.pair
    const expires = new Date(checked.pair.expiresMs).toISOString()
    log.info({ directory, expires }, 'another TLS certificate is in force')
    this.#onChange(checked.pair)
  }

  close(): void {
    this.#undo()
  }

  #later(): void {
    this.#undo = this.#parts.clock.after(pollMs, () => {
      this.#later()
      this.check()
    })
  }
}

/** Both files of one version: kubelet swaps them together. */
function readBoth(directory: string): Reading {
  for (let reading = 1; ; reading++) {
    const cert = readVersion(join(directory, 'tls.crt'))
    const key = readVersion(join(directory, 'tls.key'))
    if (!cert.ok) return { ok: false, reason: `tls.crt ${cert.reason}` }
    if (!key.ok) return { ok: false, reason: `tls.key ${key.reason}` }
    const isOne = dirname(cert.from) === dirname(key.from)
    if (isOne || reading === readingsMax) return { ok: true, cert: cert.text, key: key.text }
  }
}

function textOf(reading: Reading): string {
  return reading.ok ? `${reading.cert}\0${reading.key}` : reading.reason
}

type Checked =
  | { readonly ok: true; readonly pair: TlsPair }
  | { readonly ok: false; readonly reason: string }

/** Whether a server could use them. The reason repeats nothing of the key. */
function checkPair({ cert, key }: { readonly cert: string; readonly key: string }): Checked {
  const { X509Certificate, createPrivateKey } = process.getBuiltinModule('node:crypto')
  const { createSecureContext } = process.getBuiltinModule('node:tls')
  try {
    const first = new X509Certificate(cert)
    if (!first.checkPrivateKey(createPrivateKey(key))) {
      return { ok: false, reason: 'tls.key is not the key of tls.crt' }
    }
    createSecureContext({ cert, key })
    return { ok: true, pair: { cert, key, expiresMs: first.validToDate.getTime() } }
  } catch {
    // OpenSSL's own words may quote what it could not read.
    return { ok: false, reason: 'tls.crt or tls.key is not PEM that can be used' }
  }
}
