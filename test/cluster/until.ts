import { setTimeout as pause } from 'node:timers/promises'

/**
 * What `look` gives, once it gives something other than `undefined` or `false`: asked every 50 ms,
 * at most `limitMs`. What it throws counts as not yet, and is the cause where time runs out.
 */
export async function until<Value>(
  what: string,
  limitMs: number,
  look: () => Promise<Value | undefined | false>,
): Promise<Value> {
  const end = performance.now() + limitMs
  for (let cause: unknown; ; ) {
    try {
      const value = await look()
      if (value !== undefined && value !== false) return value
      cause = undefined
    } catch (error) {
      cause = error
    }
    const state = `Cannot see ${what}: not so after ${limitMs} ms`
    if (performance.now() > end) throw new Error(state, { cause })
    await pause(50)
  }
}
