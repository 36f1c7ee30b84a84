import { Readable } from 'node:stream'
import { getHeapSnapshot } from 'node:v8'
import { HeapScrub } from './heap-scrub.ts'

/**
 * A snapshot of the heap without the texts in it, to be opened in Chrome's tools. Taking it blocks the
 * process, about a second for each 100 MB, and needs about as much memory again.
 */
export function heapSnapshot(secrets: readonly string[]): Readable {
  return Readable.from(scrubbed(getHeapSnapshot({ exposeNumericValues: false }), secrets))
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
