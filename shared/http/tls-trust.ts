import type { SecureContext } from 'node:tls'
import { hash } from '#shared/builtins.ts'
import type { Clock, Undo } from '#shared/call/clock.ts'
import { readVersion } from '#shared/config/read.ts'
import type { Log } from '#shared/telemetry/access-log.ts'

/** Authorities that a server's certificate may come from: these and no others. */
export interface Trust {
  /** The same for the same authorities. */
  readonly id: string
  /** Of TLS 1.3, made once: to parse the authorities for each connection costs as much as its handshake. */
  readonly context: SecureContext
}

interface TrustParts {
  readonly clock: Clock
  readonly log: Pick<Log, 'info' | 'error'>
  /** Told of each that replaces another, and of the first that comes late. */
  readonly onChange: () => void
}

/** A rotation leaves days for it, and a poll misses nothing that a watch may. */
const pollMs = 10_000
/** A bundle of more than a few is a mistake that would be paid for in every pod. */
const authoritiesMax = 64

/**
 * Follows a file of authorities by path. What cannot be used leaves the last ones in force and says so
 * once in the log. Loads node:tls only where a file is named.
 */
export class TrustFile {
  readonly #parts: TrustParts
  #path: string | undefined
  #trust: Trust | undefined
  #seen: string | undefined
  #undo: Undo = () => {}

  constructor(parts: TrustParts) {
    this.#parts = parts
  }

  /** Undefined where no file is named, or none could be used so far. */
  get current(): Trust | undefined {
    return this.#trust
  }

  /** Takes over another path, or the same: it is read at once. Tells nobody. */
  follow(path: string | undefined): void {
    this.#undo()
    if (path !== this.#path) {
      this.#trust = undefined
      this.#seen = undefined
    }
    this.#path = path
    if (path === undefined) return
    this.#read(path)
    this.#later()
  }

  close(): void {
    this.follow(undefined)
  }

  #later(): void {
    this.#undo = this.#parts.clock.after(pollMs, () => {
      this.#later()
      if (this.#path !== undefined && this.#read(this.#path)) this.#parts.onChange()
    })
  }

  /** Whether other authorities are in force than before. */
  #read(path: string): boolean {
    const { log } = this.#parts
    const reading = readVersion(path)
    const text = reading.ok ? reading.text : reading.reason
    if (text === this.#seen) return false
    this.#seen = text
    const made = reading.ok ? trustIn(text) : reading.reason
    if (typeof made === 'string') {
      const held = this.#trust === undefined ? 'no ambassador is called' : 'the last ones stay'
      log.error({ file: path, reason: made }, `Cannot use the authorities: ${held}`)
      return false
    }
    if (made.id === this.#trust?.id) return false
    if (this.#trust !== undefined) log.info({ file: path }, 'other authorities are in force')
    this.#trust = made
    return true
  }
}

/** The authorities in `text`, or why they cannot be used. */
function trustIn(text: string): Trust | string {
  const { X509Certificate } = process.getBuiltinModule('node:crypto')
  const { createSecureContext } = process.getBuiltinModule('node:tls')
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  if (blocks.length === 0) return 'it holds no certificate in PEM'
  if (blocks.length > authoritiesMax) return `it holds more than ${authoritiesMax} certificates`
  try {
    // OpenSSL passes over what it cannot read: then fewer would be trusted than the file says.
    for (const block of blocks) void new X509Certificate(block)
    const ca = blocks.join('\n')
    return { id: hash('sha256', ca), context: createSecureContext({ ca, minVersion: 'TLSv1.3' }) }
  } catch {
    return 'it holds a certificate that cannot be read'
  }
}
