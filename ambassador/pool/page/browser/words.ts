// Runs in browsers, as ../script.ts says: nothing of Node, no constant outside of a function.

/** `0 ms`, `85 ms`, `1.24 s`, `2 min 5 s`. */
export function duration(ms: number | null | undefined): string {
  if (ms === undefined || ms === null) return '–'
  if (ms > 0 && ms < 0.95) return '< 1 ms'
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 10_000) return `${(ms / 1_000).toFixed(2)} s`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  const seconds = Math.round(ms / 1_000)
  return seconds % 60 === 0
    ? `${seconds / 60} min`
    : `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

/** For ages, which need no more than the second: `now`, `7 s`, `2 min`, `3 h`. */
export function age(ms: number | undefined): string {
  if (ms === undefined) return 'never'
  if (ms < 1_000) return 'now'
  if (ms < 60_000) return `${Math.floor(ms / 1_000)} s`
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min`
  return `${Math.floor(ms / 3_600_000)} h`
}

/** `950`, `1.2k`, `33k`, `1.3M`. */
export function count(value: number | undefined): string {
  if (value === undefined) return '–'
  if (value < 1_000) return String(Math.round(value))
  if (value < 9_950) return `${(value / 1_000).toFixed(1)}k`
  if (value < 999_500) return `${Math.round(value / 1_000)}k`
  return `${(value / 1_000_000).toFixed(1)}M`
}

/** Of a share from 0 to 1: `43 %`. */
export function percent(share: number | undefined): string {
  if (share === undefined) return '–'
  if (share > 0 && share < 0.01) return '< 1 %'
  return `${Math.round(100 * share)} %`
}

/** `1 call`, `3 calls`. */
export function many(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`
}

/** An origin as people name it: without the scheme. */
export function place(origin: string): string {
  return origin.replace(/^https?:\/\//, '')
}
