import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { Clock, Undo } from '#shared/call/clock.ts'
import { FollowedFile, type Made } from '#shared/config/followed-file.ts'
import { poll } from '#shared/config/poll.ts'
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

/**
 * Follows a server's certificate and key by path. What cannot be used leaves the last pair in force
 * and says so once in the log: callers would be refused by it. Loads node:tls and so costs memory.
 */
export class TlsDirectory {
  readonly #parts: DirectoryParts
  readonly #files: FollowedFile<TlsPair>
  #undo: Undo = () => {}

  /** Reads the first pair. Throws where there is none: nobody could connect. */
  constructor(parts: DirectoryParts) {
    this.#parts = parts
    const { directory, clock } = parts
    const paths = [join(directory, 'tls.crt'), join(directory, 'tls.key')]
    this.#files = new FollowedFile(paths, ([cert = '', key = ''], last) => {
      if (last?.cert === cert && last.key === key) return { ok: true, value: last }
      const made = pairOf(cert, key)
      // One that has expired is worth less than whatever is there.
      const isWorse = made.ok && last !== undefined && made.value.expiresMs <= clock.wall()
      return isWorse ? { ok: false, reason: 'it has expired' } : made
    })
    this.#files.look()
    const { trouble } = this.#files
    if (trouble !== undefined) throw new Error(`Cannot serve TLS of '${directory}': ${trouble}`)
  }

  get pair(): TlsPair {
    const { value } = this.#files
    assert(value !== undefined)
    return value
  }

  /** Tells of each pair to come, until it is closed. */
  follow(onChange: (pair: TlsPair) => void): void {
    this.#undo = poll(this.#parts.clock, () => {
      if (this.check()) onChange(this.pair)
    })
  }

  /** Looks at once; whether another pair is in force. */
  check(): boolean {
    const { directory, log } = this.#parts
    const found = this.#files.look()
    if (found === 'refused') {
      const reason = this.#files.trouble
      log.error({ directory, reason }, 'Cannot use the TLS certificate: the last one stays')
    }
    if (found !== 'taken') return false
    const expires = new Date(this.pair.expiresMs).toISOString()
    log.info({ directory, expires }, 'another TLS certificate is in force')
    return true
  }

  close(): void {
    this.#undo()
  }
}

/** The pair, if a server could use it. */
function pairOf(cert: string, key: string): Made<TlsPair> {
  const { X509Certificate, createPrivateKey } = process.getBuiltinModule('node:crypto')
  const { createSecureContext } = process.getBuiltinModule('node:tls')
  try {
    const first = new X509Certificate(cert)
    if (!first.checkPrivateKey(createPrivateKey(key))) {
      return { ok: false, reason: 'tls.key is not the key of tls.crt' }
    }
    createSecureContext({ cert, key })
    return { ok: true, value: { cert, key, expiresMs: first.validToDate.getTime() } }
  } catch {
    // OpenSSL's own words may quote what it could not read.
    return { ok: false, reason: 'tls.crt or tls.key is not PEM that can be used' }
  }
}
