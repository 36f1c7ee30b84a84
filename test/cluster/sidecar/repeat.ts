import type { TestContext } from 'node:test'

/**
 * Does `once` again and again until the function it gives is called, which tells how often that
 * was; at the latest until the test has ended, however it did.
 */
export function repeat(context: TestContext, once: () => Promise<unknown>): () => Promise<number> {
  let isOver = false
  let count = 0
  const run = async () => {
    while (!isOver) {
      await once()
      count += 1
    }
  }
  const running = run()
  // Told to whoever stops it.
  running.catch(() => undefined)
  const stop = async () => {
    isOver = true
    await running
    return count
  }
  context.after(() => {
    isOver = true
  })
  return stop
}
