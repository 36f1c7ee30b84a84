import type { Body } from '#shared/http/body.ts'
import { ThroughBody } from '#shared/http/through-body.ts'

/** A word shorter than any key: to blank it out would spoil what it stands in. */
const secretBytesLeast = 8

const star = 42

/**
 * The same body with `secret` starred out wherever it stands, also where it came in pieces: some
 * providers quote the key that they refuse. Its length stays. As much as a secret is held back until
 * more comes. Secrets of less than 8 bytes are left as they are.
 */
export function redacted(body: Body, secret: string): Body {
  const bytes = Buffer.from(secret)
  return bytes.length < secretBytesLeast ? body : new RedactedBody(body, bytes)
}

class RedactedBody extends ThroughBody {
  readonly #secret: Buffer
  /** Its beginning may be that of the secret. */
  #held: Buffer = Buffer.alloc(0)

  constructor(body: Body, secret: Buffer) {
    super(body)
    this.#secret = secret
  }

  override write(chunk: Buffer): boolean {
    const secret = this.#secret
    // A copy, which may be changed.
    const bytes = Buffer.concat([this.#held, chunk])
    for (let at = bytes.indexOf(secret); at >= 0; at = bytes.indexOf(secret, at)) {
      bytes.fill(star, at, at + secret.length)
    }
    const end = Math.max(0, bytes.length - secret.length + 1)
    this.#held = bytes.subarray(end)
    return end === 0 ? true : super.write(bytes.subarray(0, end))
  }

  override end(): void {
    if (this.#held.length > 0) super.write(this.#held)
    super.end()
  }
}
