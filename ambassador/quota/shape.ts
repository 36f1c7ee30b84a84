/** What a provider counts. `tokens` are input and output together. */
export type Unit = 'requests' | 'input' | 'output' | 'tokens' | 'concurrency'

/** Amounts of one call, by what may be counted of it. */
export interface Amounts {
  readonly requests: number
  readonly input: number
  readonly output: number
  readonly tokens: number
}

/** Names of the headers (lower case) in which a provider tells one dimension. */
export interface DimensionHeaders {
  readonly limit: string
  readonly remaining: string
  readonly reset: string
  /** Names that it has had before, read where these are absent. */
  readonly older?: DimensionHeaders | undefined
  /** One header for several windows: it tells of the one that the body of the refusal names. */
  readonly isOfNamedWindow?: true
}

/** One thing that a provider limits. */
export interface Dimension {
  /** Its name in configuration, statusz and metrics. */
  readonly name: string
  readonly unit: Unit
  /** The length of time that the limit is said for; 0 for concurrency. */
  readonly windowMs: number
  /** `continuous`: a bucket that refills all the time; `fixed`: a count that starts anew. */
  readonly window: 'continuous' | 'fixed'
  /** The limit also binds, in proportion, within slices this long; 0: it does not. */
  readonly sliceMs: number
  readonly scope: 'credential' | 'model'
  /** A header's remainder is rounded to a multiple of this. */
  readonly quantum: number
  /** Counted while it is generated: headers do not know yet what calls in flight will take. */
  readonly isLive: boolean
  readonly headers: DimensionHeaders | undefined
}

/** Of one call, before it is sent. Tokens. */
export interface Expected {
  readonly input: number
  /** Part of `input`. */
  readonly cached: number
  /** What calls like it came to; never above `outputMax`. */
  readonly output: number
  /** What the caller allows; undefined where it does not say. */
  readonly outputMax: number | undefined
}

/** Of one call, from the provider's usage. Tokens; `cached` is part of `input`. */
export interface Used {
  readonly input: number
  readonly cached: number
  readonly output: number
}

/** How one kind of provider limits calls. */
export interface LimitShape {
  readonly dimensions: readonly Dimension[]
  /** Models that share a limit have one family. */
  readonly familyOf: (model: string) => string
  /** What is counted when the provider lets a call in. */
  readonly reserve: (expected: Expected) => Amounts
  /** What is counted in the end; undefined where the reservation stands. */
  readonly final: ((used: Used) => Amounts) | undefined
  /** Whether a call that was refused counts as a request. */
  readonly countsRefused: boolean
  /**
   * What it reserves at the least, where its text leaves no doubt: a call for which that is more than the
   * whole limit is never let in. Of input, which is an estimate, half.
   */
  readonly certain?: ((expected: Expected) => Amounts) | undefined
}

/** The amount of `unit`; a place is one. */
export function amountOf(amounts: Amounts, unit: Unit): number {
  return unit === 'concurrency' ? 1 : amounts[unit]
}

export const minuteMs = 60_000
export const dayMs = 86_400_000

/** A dimension of a model, by minute, refilled all the time: what most providers have. */
export function dimension(name: string, unit: Unit, other: Partial<Dimension> = {}): Dimension {
  return {
    name,
    unit,
    windowMs: minuteMs,
    window: 'continuous',
    sliceMs: 0,
    scope: 'model',
    quantum: 1,
    isLive: false,
    headers: undefined,
    ...other,
  }
}

/** OpenAI's names, which most compatible servers took over. */
export function openaiHeaders(of: string): DimensionHeaders {
  return {
    limit: `x-ratelimit-limit-${of}`,
    remaining: `x-ratelimit-remaining-${of}`,
    reset: `x-ratelimit-reset-${of}`,
  }
}

function anthropicHeaders(of: string): DimensionHeaders {
  const stem = `anthropic-ratelimit-${of}`
  return { limit: `${stem}-limit`, remaining: `${stem}-remaining`, reset: `${stem}-reset` }
}

/** Dated snapshots of a model share its limit: `gpt-6-2026-03-01`, `claude-opus-5-20260301`. */
function withoutDate(model: string): string {
  return model.replace(/-(?:\d{4}-\d{2}-\d{2}|\d{8}|latest)$/, '')
}

export const itself = (model: string) => model

const requests = 1

/** Of an estimate of the input, what is there whatever the estimate's error. */
const certainShare = 0.5

/**
 * https://developers.openai.com/api/docs/guides/rate-limits: the greater of max_tokens and the
 * input's estimate counts at once and is not given back; cached tokens and failed requests count.
 * The window is not documented; the resets that headers tell are those of a bucket that refills.
 */
export const openaiLimits: LimitShape = {
  dimensions: [
    dimension('requests', 'requests', { headers: openaiHeaders('requests') }),
    dimension('tokens', 'tokens', { headers: openaiHeaders('tokens') }),
    dimension('project-tokens', 'tokens', {
      scope: 'credential',
      headers: openaiHeaders('project-tokens'),
    }),
    dimension('requests-day', 'requests', { windowMs: dayMs }),
    dimension('tokens-day', 'tokens', { windowMs: dayMs }),
  ],
  familyOf: withoutDate,
  reserve: ({ input, output, outputMax = 0 }) => {
    return { requests, input, output, tokens: Math.max(input, outputMax) }
  },
  final: undefined,
  countsRefused: true,
  certain: ({ input, output, outputMax = 0 }) => {
    return { requests, input, output, tokens: Math.max(input * certainShare, outputMax) }
  },
}

/**
 * https://learn.microsoft.com/azure/ai-foundry/openai/how-to/quota: prompt and max_tokens count at
 * once into a count that starts anew each minute; requests also bind by slices of 1 s or 10 s.
 */
export const azureLimits: LimitShape = {
  dimensions: [
    dimension('requests', 'requests', {
      window: 'fixed',
      sliceMs: 1_000,
      headers: openaiHeaders('requests'),
    }),
    dimension('tokens', 'tokens', { window: 'fixed', headers: openaiHeaders('tokens') }),
  ],
  familyOf: itself,
  reserve: ({ input, output, outputMax }) => {
    return { requests, input, output, tokens: input + (outputMax ?? output) }
  },
  final: undefined,
  countsRefused: true,
  certain: ({ input, output, outputMax = 0 }) => {
    return { requests, input, output, tokens: input * certainShare + outputMax }
  },
}

/** What Anthropic counts of a call: `cached` is free (Haiku 3.5 excepted). */
function anthropicAmounts({ input, cached, output }: Used): Amounts {
  const uncached = Math.max(0, input - cached)
  return { requests, input: uncached, output, tokens: uncached + output }
}

/**
 * "Opus rate limit is a total limit that applies to combined traffic across Claude Opus 4.8, Opus 4.7,
 * Opus 4.6, and Opus 4.5", and so Sonnet 4.x: https://platform.claude.com/docs/en/api/rate-limits. Every
 * other model has a limit of its own, Opus 5 and Sonnet 5 too. On AWS whole families are pooled.
 */
function anthropicClass(model: string): string {
  const name = /^claude-(opus|sonnet)-4(?:[-.@]|$)/.exec(model)?.[1]
  return name === undefined ? withoutDate(model) : `claude-${name}-4.x`
}

/**
 * https://platform.claude.com/docs/en/api/rate-limits: token buckets that refill all the time, of
 * uncached input (an estimate at first) and of output as it is generated; "60 RPM might be enforced
 * as 1 request per second". Remainders of tokens are rounded to thousands.
 */
export const anthropicLimits: LimitShape = {
  dimensions: [
    dimension('requests', 'requests', {
      sliceMs: 1_000,
      headers: anthropicHeaders('requests'),
    }),
    dimension('input-tokens', 'input', {
      quantum: 1_000,
      headers: anthropicHeaders('input-tokens'),
    }),
    dimension('output-tokens', 'output', {
      quantum: 1_000,
      isLive: true,
      headers: anthropicHeaders('output-tokens'),
    }),
  ],
  familyOf: anthropicClass,
  reserve: anthropicAmounts,
  final: anthropicAmounts,
  countsRefused: false,
}

/**
 * https://console.groq.com/docs/rate-limits: the headers of requests are of the day, those of tokens
 * of the minute; cached tokens do not count. The text of its 429 reckons with a call's allowed
 * output; a rule that differs shows in the headers and is learned from them.
 */
export const groqLimits: LimitShape = {
  dimensions: [
    dimension('requests', 'requests'),
    dimension('requests-day', 'requests', {
      windowMs: dayMs,
      headers: openaiHeaders('requests'),
    }),
    dimension('tokens', 'tokens', { headers: openaiHeaders('tokens') }),
    dimension('tokens-day', 'tokens', { windowMs: dayMs }),
  ],
  familyOf: itself,
  reserve: ({ input, cached, output, outputMax }) => {
    const uncached = Math.max(0, input - cached)
    return { requests, input: uncached, output, tokens: uncached + (outputMax ?? output) }
  },
  final: ({ input, cached, output }) => {
    const uncached = Math.max(0, input - cached)
    return { requests, input: uncached, output, tokens: uncached + output }
  },
  countsRefused: false,
}

/** All that was read and written counts, in the end as it came. */
export function plainReserve({ input, output }: Expected): Amounts {
  return { requests, input, output, tokens: input + output }
}

export function plainFinal({ input, output }: Used): Amounts {
  return { requests, input, output, tokens: input + output }
}

/** https://api-docs.deepseek.com/quick_start/rate_limit: calls at a time, by account and model; no headers. */
export const deepseekLimits: LimitShape = {
  dimensions: [dimension('concurrency', 'concurrency', { windowMs: 0 })],
  familyOf: itself,
  reserve: plainReserve,
  final: plainFinal,
  countsRefused: false,
}

/** A server that copies OpenAI's interface: its headers where it has them, else what its 429s teach. */
export const compatibleLimits: LimitShape = {
  dimensions: [
    dimension('requests', 'requests', { headers: openaiHeaders('requests') }),
    dimension('tokens', 'tokens', { headers: openaiHeaders('tokens') }),
    dimension('concurrency', 'concurrency', { windowMs: 0 }),
  ],
  familyOf: itself,
  reserve: plainReserve,
  final: plainFinal,
  countsRefused: false,
}

/** vLLM limits nothing by rate; its 503 is a full replica, which the pool knows. */
export const vllmLimits: LimitShape = {
  dimensions: [],
  familyOf: itself,
  reserve: plainReserve,
  final: plainFinal,
  countsRefused: false,
}
