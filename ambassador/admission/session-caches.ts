/** Sessions that are remembered; the one not heard of for longest is forgotten. */
const sessionsMax = 10_000
/** Anthropic's prompt cache lasts 5 minutes after its last use, OpenAI's 5 to 10. */
const cacheMs = 300_000

interface Entry {
  readonly cached: number
  readonly atMs: number
}

/** How much of its question the provider's prompt cache held when a session last asked. O(1). */
export class SessionCaches {
  readonly #entries = new Map<string, Entry>()

  learn(session: string, cached: number, nowMs: number): void {
    this.#entries.delete(session)
    this.#entries.set(session, { cached, atMs: nowMs })
    if (this.#entries.size <= sessionsMax) return
    const [oldest] = this.#entries.keys()
    if (oldest !== undefined) this.#entries.delete(oldest)
  }

  /** Tokens; 0 where nothing is known, or where that is too long ago. */
  cached(session: string, nowMs: number): number {
    const entry = this.#entries.get(session)
    return entry === undefined || nowMs - entry.atMs > cacheMs ? 0 : entry.cached
  }
}
