import {
  type DimensionHeaders,
  dayMs,
  dimension,
  itself,
  type LimitShape,
  openaiHeaders,
  plainFinal,
  plainReserve,
} from './shape.ts'

const secondMs = 1_000
/** Of 30 days, and refilled all the time: which day a month of theirs begins on is not told. */
const monthMs = 30 * dayMs

/**
 * https://docs.x.ai/developers/rate-limits: tokens per minute, reasoning and cached ones too, and requests
 * per second, which are those per minute over 60, by model: a budget by the minute is not spent faster.
 * Whether the headers of requests tell of the second or of the minute is not documented: not read.
 */
export const xaiLimits: LimitShape = {
  dimensions: [
    dimension('requests-second', 'requests', { windowMs: secondMs }),
    dimension('requests', 'requests', { sliceMs: secondMs }),
    dimension('tokens', 'tokens', { headers: openaiHeaders('tokens') }),
  ],
  familyOf: itself,
  reserve: plainReserve,
  final: plainFinal,
  countsRefused: false,
}

function mistralHeaders(of: string, older?: DimensionHeaders): DimensionHeaders {
  return {
    limit: `x-ratelimit-limit-${of}`,
    remaining: `x-ratelimit-remaining-${of}`,
    reset: `x-ratelimit-reset-${of}`,
    older,
  }
}

/**
 * https://docs.mistral.ai/deployment/ai-studio/tier: requests per second, tokens per minute and per
 * month, of a workspace, whatever the model. Names of headers as captured in 2026, and those of 2025.
 */
export const mistralLimits: LimitShape = {
  dimensions: [
    dimension('requests-second', 'requests', { windowMs: secondMs, scope: 'credential' }),
    dimension('requests', 'requests', {
      scope: 'credential',
      headers: mistralHeaders('req-minute'),
    }),
    dimension('tokens', 'tokens', {
      scope: 'credential',
      headers: mistralHeaders('tokens-minute', {
        limit: 'x-ratelimitbysize-limit-minute',
        remaining: 'x-ratelimitbysize-remaining-minute',
        reset: 'ratelimitbysize-reset',
        older: {
          limit: 'ratelimitbysize-limit',
          remaining: 'ratelimitbysize-remaining',
          reset: 'ratelimitbysize-reset',
        },
      }),
    }),
    dimension('tokens-month', 'tokens', {
      windowMs: monthMs,
      scope: 'credential',
      headers: mistralHeaders('tokens-month', {
        limit: 'x-ratelimitbysize-limit-month',
        remaining: 'x-ratelimitbysize-remaining-month',
        reset: 'x-ratelimitbysize-reset-month',
      }),
    }),
  ],
  familyOf: itself,
  reserve: plainReserve,
  final: plainFinal,
  countsRefused: false,
}

/** In the headers or the body of a refusal alone, now of the minute and now of the day. */
const openrouterHeaders: DimensionHeaders = {
  limit: 'x-ratelimit-limit',
  remaining: 'x-ratelimit-remaining',
  reset: 'x-ratelimit-reset',
  isOfNamedWindow: true,
}

/**
 * https://openrouter.ai/docs/api-reference/limits: models whose names end in `:free` have limits of
 * requests per minute and per day, together; others have those of whom it asks, which it does not tell.
 */
export const openrouterLimits: LimitShape = {
  dimensions: [
    dimension('requests', 'requests', { window: 'fixed', headers: openrouterHeaders }),
    dimension('requests-day', 'requests', {
      windowMs: dayMs,
      window: 'fixed',
      headers: openrouterHeaders,
    }),
    dimension('tokens', 'tokens'),
    dimension('concurrency', 'concurrency', { windowMs: 0 }),
  ],
  familyOf: (model) => (model.endsWith(':free') ? ':free' : model),
  reserve: plainReserve,
  final: plainFinal,
  countsRefused: false,
}
