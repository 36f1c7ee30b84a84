/**
 * What goes wrong with one call; an absent field is a thing that does not. Counts of events leave
 * comments out.
 */
export interface Fault {
  readonly status?: number
  readonly retryAfterS?: number
  readonly latencyMs?: number
  readonly stallsHead?: true
  readonly stallAfter?: number
  readonly resetAfter?: number
  readonly cutAtBytes?: number
  readonly endAfter?: number
  readonly garbageAfter?: number
  readonly refusesInside?: true
  readonly abortAfter?: number
  readonly floods?: true
  readonly splits?: true
  readonly keepAlives?: number
}

export const noFault: Fault = {}

const numbered: Readonly<Record<string, (value: number) => Fault>> = {
  status: (status) => ({ status }),
  'retry-after': (retryAfterS) => ({ retryAfterS }),
  latency: (latencyMs) => ({ latencyMs }),
  stall: (stallAfter) => ({ stallAfter }),
  reset: (resetAfter) => ({ resetAfter }),
  cut: (cutAtBytes) => ({ cutAtBytes }),
  eof: (endAfter) => ({ endAfter }),
  garbage: (garbageAfter) => ({ garbageAfter }),
  abort: (abortAfter) => ({ abortAfter }),
  keepalive: (keepAlives) => ({ keepAlives }),
}

const bare: Readonly<Record<string, Fault>> = {
  'stall-head': { stallsHead: true },
  'refuse-in-200': { refusesInside: true },
  flood: { floods: true },
  split: { splits: true },
}

/** Reads the fault grammar (README.md): parts joined by `;`. Null where any part is unknown. */
export function parseFault(text: string): Fault | null {
  let fault: Fault = noFault
  for (const part of text.split(';')) {
    const added = parsePart(part.trim())
    if (added === null) return null
    fault = { ...fault, ...added }
  }
  return fault.retryAfterS !== undefined && fault.status === undefined ? null : fault
}

function parsePart(part: string): Fault | null {
  if (Object.hasOwn(bare, part)) return bare[part] ?? null
  const match = /^([a-z-]+)=(\d{1,9})$/.exec(part)
  const name = match?.[1] ?? ''
  if (match === null || !Object.hasOwn(numbered, name)) return null
  const value = Number(match[2])
  if (name === 'status' && (value < 400 || value > 599)) return null
  return numbered[name]?.(value) ?? null
}

/** The faults a replica owes to its next calls, in the order they were asked for. */
export class FaultQueue {
  readonly #owed: { readonly fault: Fault; left: number }[] = []

  /**
   * Applies `text` to the next `count` calls. Gives false, and changes nothing, where `text` is not
   * in the grammar.
   */
  add(text: string, count: number): boolean {
    const fault = parseFault(text)
    if (fault === null) return false
    if (count > 0) this.#owed.push({ fault, left: count })
    return true
  }

  clear(): void {
    this.#owed.length = 0
  }

  /** The fault of the next call. */
  take(): Fault {
    const first = this.#owed[0]
    if (first === undefined) return noFault
    first.left -= 1
    if (first.left === 0) this.#owed.shift()
    return first.fault
  }
}
