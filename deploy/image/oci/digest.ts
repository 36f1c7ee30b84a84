import { createHash } from 'node:crypto'

/** SHA-256 in 64 hex digits. */
export function sha256(content: Buffer | string): string {
  return createHash('sha256').update(content).digest('hex')
}

/** As OCI names content: `sha256:…`. */
export function digestOf(content: Buffer | string): string {
  return `sha256:${sha256(content)}`
}
