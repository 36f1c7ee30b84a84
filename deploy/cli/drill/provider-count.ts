import { isMap } from '#shared/config/problems.ts'

/** What a double has counted of one key and model. */
export interface KeyCount {
  readonly key: string
  readonly model: string
  readonly calls: number
  readonly rateLimited: number
  /** Begun and broken off: the client left, or a fault ended the answer. */
  readonly brokenOff: number
}

/** What a double has counted. */
export interface ProviderCount {
  readonly keys: readonly KeyCount[]
  readonly unauthorized: number
}

/** A double answers at once; a busy machine needs more. */
const askMsMax = 10_000

/** Asks the double at `port`; undefined where it does not answer. */
export async function countAt(port: number): Promise<ProviderCount | undefined> {
  try {
    const signal = AbortSignal.timeout(askMsMax)
    const answer = await fetch(`http://127.0.0.1:${port}/sim/statistics`, { signal })
    const read: unknown = await answer.json()
    if (!isMap(read) || !Array.isArray(read['usage'])) return undefined
    const rows: readonly unknown[] = read['usage']
    return { unauthorized: Number(read['unauthorized']), keys: rows.flatMap(keyCount) }
  } catch {
    // Killed on purpose, perhaps.
    return undefined
  }
}

function keyCount(row: unknown): KeyCount[] {
  if (!isMap(row)) return []
  return [
    {
      key: String(row['key']),
      model: String(row['model']),
      calls: Number(row['calls']),
      rateLimited: Number(row['rateLimited']),
      brokenOff: Number(row['brokenOff']),
    },
  ]
}

/** All requests that reached a double, and what became of some. */
export interface RequestTotals {
  readonly calls: number
  readonly rateLimited: number
  readonly brokenOff: number
}

export function totals({ keys, unauthorized }: ProviderCount): RequestTotals {
  const sum = (of: (key: KeyCount) => number) => keys.reduce((all, key) => all + of(key), 0)
  return {
    calls: sum((key) => key.calls) + unauthorized,
    rateLimited: sum((key) => key.rateLimited),
    brokenOff: sum((key) => key.brokenOff),
  }
}
