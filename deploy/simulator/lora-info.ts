// Adapters that come and go one by one make as many sets; a scrape must stay readable.
const setsMax = 1_000

/**
 * What `vllm:lora_requests_info` says: each set of adapters that has been running, with when it last
 * was, in seconds since 1970. As in vLLM an old set stays for ever, so a reader takes the youngest.
 */
export class LoraInfo {
  readonly #sets = new Map<string, number>()

  note(running: readonly string[], unixSeconds: number): void {
    const set = running.join(',')
    const youngest = Math.max(0, ...this.#sets.values())
    this.#sets.delete(set)
    // Within one second the later set is still the younger one.
    this.#sets.set(set, Math.max(unixSeconds, youngest + 0.001))
    const [oldest] = this.#sets.keys()
    if (this.#sets.size > setsMax && oldest !== undefined) this.#sets.delete(oldest)
  }

  list(): readonly (readonly [string, number])[] {
    return [...this.#sets]
  }
}
