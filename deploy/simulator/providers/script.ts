import type { AccountLimits } from '../limits/limiter.ts'
import { elements, type Fields, isFields } from '../narrow.ts'
import { noProviderFault, type ProviderFault, parseProviderFault } from './provider-fault.ts'
import type { KeyState, Vendor } from './provider-options.ts'

/** Which calls a fault is for; an absent field is any. */
export interface Aim {
  /** A key's name. */
  readonly key?: string
  readonly model?: string
  /** Calls that ask for an answer or embeddings (where absent), or that count tokens. */
  readonly kind?: 'answer' | 'count'
}

/** One instruction to a running provider, in process or by `POST /sim/script`. */
export type Instruction =
  /** The faults of the next calls, in order; "ok" lets one pass. Each stands `count` times. */
  | (Aim & { readonly faults: readonly string[]; readonly count?: number })
  /** From here on, every call that no other fault is for; null ends it. */
  | (Aim & { readonly always: string | null })
  | { readonly key: string; readonly state: KeyState }
  /** Changes the limits and tells nobody. */
  | { readonly limits: AccountLimits }
  | { readonly clear: true }

interface Owed extends Aim {
  readonly fault: ProviderFault
  left: number
}

// A script is written by hand or by one test.
const owedMax = 100_000

/** The faults a provider owes to its next calls. */
export class Script {
  readonly #vendor: Vendor
  #owed: Owed[] = []
  #always: Owed[] = []

  constructor(vendor: Vendor) {
    this.#vendor = vendor
  }

  /** Gives false, and changes nothing, where a fault is not in the grammar or there are too many. */
  add(faults: readonly string[], aim: Aim, count = 1): boolean {
    const owed: Owed[] = []
    for (const text of faults) {
      const fault = parseProviderFault(this.#vendor, text)
      if (fault === null) return false
      owed.push({ ...aim, fault, left: count })
    }
    if (this.#owed.length + owed.length > owedMax) return false
    if (count > 0) this.#owed.push(...owed)
    return true
  }

  /** Sets the fault of all calls of `aim`; null takes it back. */
  always(text: string | null, aim: Aim): boolean {
    const fault = text === null ? noProviderFault : parseProviderFault(this.#vendor, text)
    if (fault === null) return false
    const rest = this.#always.filter(
      ({ key, model, kind }) => key !== aim.key || model !== aim.model || kind !== aim.kind,
    )
    this.#always = text === null ? rest : [...rest, { ...aim, fault, left: 0 }]
    return true
  }

  clear(): void {
    this.#owed = []
    this.#always = []
  }

  /** The fault of the next such call. */
  take({ key, model, kind }: Required<Aim>): ProviderFault {
    const isFor = (aim: Aim) =>
      (aim.key ?? key) === key && (aim.model ?? model) === model && (aim.kind ?? 'answer') === kind
    const at = this.#owed.findIndex(isFor)
    const first = this.#owed[at]
    if (first === undefined) return this.#always.find(isFor)?.fault ?? noProviderFault
    first.left -= 1
    if (first.left === 0) this.#owed.splice(at, 1)
    return first.fault
  }
}

const states: readonly KeyState[] = [
  'active',
  'revoked',
  'forbidden',
  'credit-exhausted',
  'spend-limit',
]

/** Reads one instruction of `POST /sim/script`; null where it is none. */
export function readInstruction(body: unknown): Instruction | null {
  if (!isFields(body)) return null
  if (body['clear'] === true) return { clear: true }
  const state = states.find((known) => known === body['state'])
  if (state !== undefined && typeof body['key'] === 'string') return { key: body['key'], state }
  if (isFields(body['limits'])) return readLimits(body['limits'])
  const aim = readAim(body)
  const { always } = body
  if (always === null || typeof always === 'string') return { ...aim, always }
  const faults = elements(body['faults']).filter((fault) => typeof fault === 'string')
  const count = body['count'] ?? 1
  if (faults.length === 0 || typeof count !== 'number' || !Number.isInteger(count)) return null
  return count < 0 ? null : { ...aim, faults, count }
}

function readAim(body: Fields): Aim {
  const { key, model, kind } = body
  return {
    ...(kind === 'count' ? { kind } : {}),
    ...(typeof key === 'string' ? { key } : {}),
    ...(typeof model === 'string' ? { model } : {}),
  }
}

function readLimits(given: Fields): Instruction | null {
  const { models, ...own } = given
  const limits = readNumbers(own)
  if (limits === null) return null
  if (models === undefined) return { limits }
  if (!isFields(models)) return null
  const named: Record<string, Readonly<Record<string, number>>> = {}
  for (const [model, fields] of Object.entries(models)) {
    const read = isFields(fields) ? readNumbers(fields) : null
    if (read === null) return null
    named[model] = read
  }
  return { limits: { ...limits, models: named } }
}

const limitNames: ReadonlySet<string> = new Set([
  'requestsPerMinute',
  'requestsPerDay',
  'tokensPerMinute',
  'tokensPerDay',
  'inputTokensPerMinute',
  'outputTokensPerMinute',
  'concurrency',
  'requestSliceSeconds',
])

function readNumbers(fields: Fields): Record<string, number> | null {
  const numbers: Record<string, number> = {}
  for (const [name, value] of Object.entries(fields)) {
    if (!limitNames.has(name) || typeof value !== 'number' || !(value >= 0)) return null
    numbers[name] = value
  }
  return numbers
}
