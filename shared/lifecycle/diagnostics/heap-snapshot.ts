import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { getHeapSnapshot } from 'node:v8'
import { HeapScrub } from './heap-scrub.ts'

/**
 * A snapshot of the heap without the texts in it, to be opened in Chrome's tools. Taking it blocks the
 * process, about a second for each 100 MB, and needs about as much memory again.
 */
export async function writeHeapSnapshot(secrets: readonly string[], to: Writable): Promise<void> {
  const snapshot = getHeapSnapshot({ exposeNumericValues: false })
  await pipeline(Readable.from(scrubbed(snapshot, secrets)), to)
}

async function* scrubbed(snapshot: Readable, secrets: readonly string[]): AsyncGenerator<string> {
  const scrub = new HeapScrub(secrets)
  snapshot.setEncoding('latin1')
  for await (const piece of snapshot) {
    const text = scrub.push(String(piece))
    if (text !== '') yield text
  }
  yield scrub.end()
}
