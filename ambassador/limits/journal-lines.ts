import { limitSpans } from '#shared/config/limit-schema.ts'
import type { Slot } from './counter.ts'
import type { CounterState } from './memory-store.ts'

/** First line of a journal. Another version is another program's, which this one leaves alone. */
export const journalHead = `${JSON.stringify({ journal: 'outrigger limits', version: 1 })}\n`

/** What a journal's bytes tell. */
export type Decoded =
  | { readonly kind: 'states'; readonly states: CounterState[]; readonly damagedLines: number }
  | { readonly kind: 'foreign' }

/**
 * One line per counter, each with all of what it holds: the last line about a counter tells
 * everything, so lines may be lost or come twice. Empty for no states.
 */
export function encodeStates(states: readonly CounterState[]): string {
  return states
    .map(({ key, span, slots }) => {
      const written = slots.map(([startMs, amount]) => [startMs, String(amount)])
      return `${JSON.stringify([key, span, written])}\n`
    })
    .join('')
}

/**
 * Reads {@link journalHead} and lines of {@link encodeStates}. A line without its end was being
 * written when the process ended, and is left out; so are damaged ones, which are counted. Never
 * throws.
 */
export function decodeJournal(bytes: Buffer): Decoded {
  const end = bytes.lastIndexOf(10)
  const lines = bytes.toString('utf8', 0, Math.max(0, end)).split('\n')
  // Not even the first line: the process ended before it was written.
  if (end < 0 && journalHead.startsWith(bytes.toString('utf8'))) {
    return { kind: 'states', states: [], damagedLines: 0 }
  }
  const [head, ...rest] = lines
  if (`${head}\n` !== journalHead) return { kind: 'foreign' }
  const states = new Map<string, CounterState>()
  let damagedLines = 0
  for (const line of rest) {
    const state = decodeLine(line)
    if (state === undefined) damagedLines++
    else states.set(state.key, state)
  }
  return { kind: 'states', states: [...states.values()], damagedLines }
}

function decodeLine(line: string): CounterState | undefined {
  const value = parse(line)
  if (!Array.isArray(value)) return undefined
  const [key, named, written]: readonly unknown[] = value
  const span = limitSpans.find((one) => one === named)
  if (typeof key !== 'string' || span === undefined || !Array.isArray(written)) return undefined
  const slots = written.map((slot: unknown) => decodeSlot(slot))
  const whole = slots.filter((slot) => slot !== undefined)
  return whole.length === slots.length ? { key, span, slots: whole } : undefined
}

function decodeSlot(value: unknown): Slot | undefined {
  if (!Array.isArray(value)) return undefined
  const [startMs, amount]: readonly unknown[] = value
  if (typeof startMs !== 'number' || !Number.isSafeInteger(startMs) || startMs < 0) return undefined
  if (typeof amount !== 'string' || !/^\d{1,40}$/.test(amount)) return undefined
  return [startMs, BigInt(amount)]
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    // Damaged: the caller counts it.
    return undefined
  }
}
