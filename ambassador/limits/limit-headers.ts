import type { LimitUnit } from '#shared/config/limit-schema.ts'
import type { Family } from '#shared/dialects/surfaces.ts'
import type { HeaderList } from '#shared/http/headers.ts'
import type { LimitStanding } from './limiter.ts'

/**
 * Units that a family has words for: https://platform.openai.com/docs/guides/rate-limits and
 * https://docs.anthropic.com/en/api/rate-limits.
 */
const words: Readonly<Record<Family, readonly (readonly [LimitUnit, string])[]>> = {
  openai: [
    ['requests', 'requests'],
    ['tokens', 'tokens'],
  ],
  anthropic: [
    ['requests', 'requests'],
    ['tokens', 'tokens'],
    ['inputTokens', 'input-tokens'],
    ['outputTokens', 'output-tokens'],
  ],
}

/**
 * How the tenant's limits stand, as name, value, name, value, … in the words of the caller's SDK.
 * Of several limits in one unit the one with the least left is told; money has no word. Empty where
 * there is nothing to tell.
 */
export function limitHeaders(
  family: Family,
  standings: readonly LimitStanding[],
  nowMs: number,
): string[] {
  return words[family].flatMap(([unit, word]) => {
    const [tightest] = standings
      .filter((standing) => standing.unit === unit)
      .toSorted((one, other) => (one.remaining < other.remaining ? -1 : 1))
    if (tightest === undefined) return []
    const { limit, remaining, fullAtMs } = tightest
    const values = {
      limit: String(limit),
      remaining: String(remaining > 0n ? remaining : 0n),
      reset: resetOf(family, fullAtMs, nowMs),
    }
    return Object.entries(values).flatMap(([what, value]) => [
      family === 'anthropic'
        ? `anthropic-ratelimit-${word}-${what}`
        : `x-ratelimit-${what}-${word}`,
      value,
    ])
  })
}

function resetOf(family: Family, atMs: number, nowMs: number): string {
  if (family === 'openai') return goDuration(Math.max(0, atMs - nowMs))
  // Whole seconds, never one too early.
  return new Date(Math.ceil(atMs / 1_000) * 1_000).toISOString().replace('.000Z', 'Z')
}

/** As OpenAI writes durations: `120ms`, `1s`, `6m0s`, `1h0m0s`; rounded up from a second on. */
export function goDuration(ms: number): string {
  if (ms <= 999) return `${Math.ceil(ms)}ms`
  const all = Math.ceil(ms / 1_000)
  const [hours, minutes, seconds] = [Math.floor(all / 3_600), Math.floor(all / 60) % 60, all % 60]
  if (hours > 0) return `${hours}h${minutes}m${seconds}s`
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`
}

/** Beginnings of such names, and names that say whose account it is. */
const ofAccount = [
  'x-ratelimit',
  'ratelimit',
  'anthropic-ratelimit-',
  'anthropic-priority-',
  'anthropic-fast-',
  'anthropic-organization-id',
  'anthropic-workspace-id',
  'openai-organization',
  'openai-project',
  'x-ms-region',
]

/** Whether a provider's header tells whose the account is that all tenants share, or how it stands. */
export function tellsOfAccount(name: string): boolean {
  return ofAccount.some((start) => name.startsWith(start))
}

/** The same headers (name, value, …) without those that tell how the shared account stands. */
export function withoutAccount(headers: HeaderList): string[] {
  const kept: string[] = []
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] ?? ''
    if (!tellsOfAccount(name)) kept.push(name, headers[at + 1] ?? '')
  }
  return kept
}
