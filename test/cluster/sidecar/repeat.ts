import type { TestContext } from 'node:test'

/**
 * Does `once` again and again until the function it gives is called, which tells how often that
 * was; at the latest until the test has ended, however it did.
 */
export function repeat(context: TestContext, once: () => Promise<unknown>): () => Promise<number> {
  const stopping = new AbortController()
  let count = 0
  const run = async () => {
    while (!stopping.signal.aborted) {
      await once()
      count += 1
    }
  }
  const running = run()
  // Told to whoever stops it.
  running.catch(() => undefined)
  context.after(() => stopping.abort())
  return async () => {
    stopping.abort()
    await running
    return count
  }
}
