import type { IncomingMessage } from 'node:http'

/** Reads the body of `request` as text; null where it is longer than `bytesMax`. */
export function readBody(
  request: IncomingMessage,
  bytesMax: number,
  done: (text: string | null) => void,
): void {
  const chunks: Buffer[] = []
  let bytes = 0
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= bytesMax) chunks.push(chunk)
  })
  // A client that leaves in the middle of its request has asked nothing.
  request.on('error', () => undefined)
  request.on('end', () => done(bytes > bytesMax ? null : Buffer.concat(chunks).toString('utf8')))
}
