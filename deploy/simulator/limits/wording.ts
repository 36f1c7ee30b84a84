/**
 * A duration as Go prints it, which OpenAI and Groq send: "644ms", "8.64s", "1m26.4s", "6m0s".
 * Rounded up to whole milliseconds.
 */
export function goDuration(durationMs: number): string {
  const totalMs = Math.ceil(durationMs - 1e-6)
  if (totalMs <= 0) return '0s'
  if (totalMs < 1_000) return `${totalMs}ms`
  const hours = Math.floor(totalMs / 3_600_000)
  const minutes = Math.floor(totalMs / 60_000) % 60
  const seconds = (totalMs % 60_000) / 1_000
  if (hours > 0) return `${hours}h${minutes}m${seconds}s`
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`
}

/** Whole seconds, rounded up and at least 1, for `retry-after`. */
export function wholeSeconds(durationMs: number): number {
  return Math.max(1, Math.ceil((durationMs - 1e-6) / 1_000))
}

/** An instant as Anthropic sends it: RFC 3339 in UTC, whole seconds, rounded up. */
export function rfc3339(unixMs: number): string {
  const whole = Math.ceil((unixMs - 1e-6) / 1_000) * 1_000
  return new Date(whole).toISOString().replace('.000Z', 'Z')
}
