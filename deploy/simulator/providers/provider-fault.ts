import { type Fault, noFault, parseFault } from '../fault.ts'
import { type Failure, failureOf, statusFailure } from './failure.ts'
import type { Vendor } from './provider-options.ts'

/** What goes wrong with one call of a provider. */
export interface ProviderFault {
  /** What the simulator's sockets know. */
  readonly wire: Fault
  /** An error instead of an answer. */
  readonly failure: Failure | null
  readonly retryAfterS: number | null
  readonly retryAfterMs: number | null
  /** `retry-after` as an HTTP date so many seconds from now. */
  readonly retryAfterDateS: number | null
  /** The head goes out at once and the first event so much later. */
  readonly firstEventMs: number | null
  /** After so many tokens the dialect's error event, and the end. */
  readonly errorAfterTokens: number | null
}

export const noProviderFault: ProviderFault = {
  wire: noFault,
  failure: null,
  retryAfterS: null,
  retryAfterMs: null,
  retryAfterDateS: null,
  firstEventMs: null,
  errorAfterTokens: null,
}

const numbered: Readonly<Record<string, (value: number) => Partial<ProviderFault>>> = {
  'retry-after': (retryAfterS) => ({ retryAfterS }),
  'retry-after-ms': (retryAfterMs) => ({ retryAfterMs }),
  'retry-after-date': (retryAfterDateS) => ({ retryAfterDateS }),
  'first-event': (firstEventMs) => ({ firstEventMs }),
  error: (errorAfterTokens) => ({ errorAfterTokens }),
}

// A vLLM server's own ways to fail.
const foreign = /^(refuse-in-200|abort=\d+|flood)$/

/**
 * Reads the fault grammar (README.md): parts joined by `;`. Null where a part is unknown to
 * `vendor`.
 */
export function parseProviderFault(vendor: Vendor, text: string): ProviderFault | null {
  if (text === 'ok') return noProviderFault
  let fault: ProviderFault = noProviderFault
  const rest: string[] = []
  for (const part of text.split(';').map((piece) => piece.trim())) {
    const own = ownPart(vendor, part)
    if (own === null) rest.push(part)
    else fault = { ...fault, ...own }
  }
  if (rest.some((part) => foreign.test(part))) return null
  const wire = rest.length === 0 ? noFault : parseFault(rest.join(';'))
  return wire === null ? null : { ...fault, wire }
}

function ownPart(vendor: Vendor, part: string): Partial<ProviderFault> | null {
  const failure = failureOf(vendor, part)
  if (failure !== null) return { failure }
  const match = /^([a-z-]+)=(\d{1,9})$/.exec(part)
  const [name, value] = [match?.[1] ?? '', Number(match?.[2])]
  if (match === null) return null
  if (name === 'status' && value >= 400 && value <= 599) {
    return { failure: statusFailure(vendor, value, `Simulated failure: status ${value}`) }
  }
  return Object.hasOwn(numbered, name) ? (numbered[name]?.(value) ?? null) : null
}

/** The wait hints of `fault`; `unixMs` is the time of its answer. */
export function retryHeaders(fault: ProviderFault, unixMs: number): [string, string][] {
  const { retryAfterS, retryAfterMs, retryAfterDateS } = fault
  const headers: [string, string][] = []
  if (retryAfterMs !== null) headers.push(['retry-after-ms', `${retryAfterMs}`])
  if (retryAfterS !== null) headers.push(['retry-after', `${retryAfterS}`])
  else if (retryAfterDateS !== null) {
    headers.push(['retry-after', new Date(unixMs + retryAfterDateS * 1_000).toUTCString()])
  }
  return headers
}
