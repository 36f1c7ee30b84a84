import { AnthropicMeter } from './anthropic-meter.ts'
import { AzureMeter } from './azure-meter.ts'
import { DeepseekMeter } from './deepseek-meter.ts'
import { GroqMeter } from './groq-meter.ts'
import type { LimitedRequest, Limits, Meter, Output, Ruling } from './meter.ts'
import { OpenaiMeter } from './openai-meter.ts'

export type LimitedVendor = 'openai' | 'azure' | 'anthropic' | 'groq' | 'deepseek'

/** Limits of every model of an account, and of those models that have their own. */
export interface AccountLimits extends Limits {
  readonly models?: Readonly<Record<string, Limits>>
}

export interface LimiterOptions {
  readonly limits: AccountLimits
  /** When the limiter begins, on the scale of `atMs`: Azure's minutes count from here. */
  readonly now: number | (() => number)
  /** The account of a credential; without it each is an account of its own. */
  readonly accountOf?: (credential: string) => string
  /**
   * The models that share one limit (Anthropic's classes, OpenAI's families); without it each has
   * its own. `limits.models` names these.
   */
  readonly poolOf?: (model: string) => string
}

/** A vendor's answer to one request. `headers` go with a 200 too; `body` is empty then. */
export interface Verdict extends Ruling {
  readonly isAdmitted: boolean
  /** Names the request to `progress` and `settle`. */
  readonly id: number
}

/** One vendor's rate limits, as its own documents describe them. */
export interface Limiter {
  /** Errors: none; a refused request is a verdict. */
  admit(request: LimitedRequest): Verdict
  /** Tells how much of an admitted request's output exists so far; a smaller number is ignored. */
  progress(id: number, output: Output): void
  /** Ends an admitted request with its whole output; an id that is not running is ignored. */
  settle(id: number, output: Output): void
  /** Changes the limits and tells nobody. What is above a smaller limit is lost at once. */
  setLimits(limits: AccountLimits): void
}

interface Running {
  readonly meter: Meter
  readonly request: LimitedRequest
  outputTokens: number
}

// Far above what a test runs; a caller that never settles meets it as an error, not as memory.
const runningMax = 1_000_000

/**
 * Makes the limiter of `vendor`: pure, and on the time its callers name. Limits are per account and
 * model.
 */
export function createLimiter(vendor: LimitedVendor, options: LimiterOptions): Limiter {
  const { now, accountOf = (name) => name, poolOf = (name) => name } = options
  const startMs = typeof now === 'number' ? now : now()
  let limits = options.limits
  const meters = new Map<string, { readonly pool: string; readonly meter: Meter }>()
  const running = new Map<number, Running>()
  let lastId = 0

  const meterOf = ({ credential, model }: LimitedRequest): Meter => {
    const pool = poolOf(model)
    const key = JSON.stringify([accountOf(credential), pool])
    const known = meters.get(key)
    if (known !== undefined) return known.meter
    const meter = meterFor[vendor](limitsOf(limits, pool), startMs)
    meters.set(key, { pool, meter })
    return meter
  }
  const advance = (call: Running, { atMs, outputTokens }: Output) => {
    const newTokens = outputTokens - call.outputTokens
    if (newTokens <= 0) return
    call.outputTokens = outputTokens
    call.meter.generated(atMs, newTokens)
  }

  return {
    admit(request) {
      const meter = meterOf(request)
      const ruling = meter.admit(request)
      const isAdmitted = ruling.status === 200
      lastId += 1
      if (isAdmitted && running.size >= runningMax) {
        throw new Error(`Cannot admit a request: ${runningMax} are not settled`)
      }
      if (isAdmitted) running.set(lastId, { meter, request, outputTokens: 0 })
      return { ...ruling, isAdmitted, id: lastId }
    },
    progress(id, output) {
      const call = running.get(id)
      if (call !== undefined) advance(call, output)
    },
    settle(id, output) {
      const call = running.get(id)
      if (call === undefined) return
      running.delete(id)
      advance(call, output)
      call.meter.ended(call.request, { ...output, outputTokens: call.outputTokens })
    },
    setLimits(changed) {
      limits = changed
      for (const { pool, meter } of meters.values()) meter.setLimits(limitsOf(limits, pool))
    },
  }
}

const meterFor: Readonly<Record<LimitedVendor, (limits: Limits, startMs: number) => Meter>> = {
  openai: (limits) => new OpenaiMeter(limits),
  azure: (limits, startMs) => new AzureMeter(limits, startMs),
  anthropic: (limits) => new AnthropicMeter(limits),
  groq: (limits) => new GroqMeter(limits),
  deepseek: (limits) => new DeepseekMeter(limits),
}

function limitsOf({ models, ...limits }: AccountLimits, pool: string): Limits {
  const own = models !== undefined && Object.hasOwn(models, pool) ? models[pool] : undefined
  return { ...limits, ...own }
}
