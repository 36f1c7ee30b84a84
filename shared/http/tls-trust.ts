import type { SecureContext } from 'node:tls'
import { hash } from '#shared/builtins.ts'
import type { Clock, Undo } from '#shared/call/clock.ts'
import { FollowedFile, type Made } from '#shared/config/followed-file.ts'
import { poll } from '#shared/config/poll.ts'
import type { Log } from '#shared/telemetry/access-log.ts'
import { certificateBlocks } from './certificate-blocks.ts'

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

/** A bundle of more than a few is a mistake that would be paid for in every pod. */
const authoritiesMax = 64

/**
 * Follows a file of authorities by path. What cannot be used leaves the last ones in force and says so
 * once in the log. Loads node:tls only where a file is named.
 */
export class TrustFile {
  readonly #parts: TrustParts
  #path: string | undefined
  #file: FollowedFile<Trust> | undefined
  #undo: Undo = () => {}

  constructor(parts: TrustParts) {
    this.#parts = parts
  }

  /** Undefined where no file is named, or none could be used so far. */
  get current(): Trust | undefined {
    return this.#file?.value
  }

  /** Takes over another path, or the same: it is read at once. Tells nobody. */
  follow(path: string | undefined): void {
    this.#undo()
    if (path !== this.#path) {
      this.#path = path
      this.#file = path === undefined ? undefined : new FollowedFile([path], trustOf)
    }
    const file = this.#file
    if (file === undefined) return
    this.#look(file)
    this.#undo = poll(this.#parts.clock, () => {
      if (this.#look(file)) this.#parts.onChange()
    })
  }

  close(): void {
    this.follow(undefined)
  }

  /** Whether other authorities are in force than before. */
  #look(file: FollowedFile<Trust>): boolean {
    const { log } = this.#parts
    const before = file.value
    const found = file.look()
    if (found === 'refused') {
      const held = before === undefined ? 'no ambassador is called' : 'the last ones stay'
      const facts = { file: this.#path, reason: file.trouble }
      log.error(facts, `Cannot use the authorities: ${held}`)
    }
    if (found !== 'taken') return false
    if (before !== undefined) log.info({ file: this.#path }, 'other authorities are in force')
    return true
  }
}

/** The authorities in the text, if they can be used. */
function trustOf([text = '']: readonly string[], last: Trust | undefined): Made<Trust> {
  const { X509Certificate } = process.getBuiltinModule('node:crypto')
  const { createSecureContext } = process.getBuiltinModule('node:tls')
  const blocks = certificateBlocks(text)
  if (blocks.length === 0) return { ok: false, reason: 'it holds no certificate in PEM' }
  if (blocks.length > authoritiesMax) {
    return { ok: false, reason: `it holds more than ${authoritiesMax} certificates` }
  }
  const ca = blocks.join('\n')
  const id = hash('sha256', ca)
  if (id === last?.id) return { ok: true, value: last }
  try {
    // OpenSSL passes over what it cannot read: then fewer would be trusted than the file says.
    for (const block of blocks) void new X509Certificate(block)
    return { ok: true, value: { id, context: createSecureContext({ ca, minVersion: 'TLSv1.3' }) } }
  } catch {
    return { ok: false, reason: 'it holds a certificate that cannot be read' }
  }
}
