import { mistralLimits, xaiLimits } from '../../../ambassador/quota/preset-shapes.ts'
import {
  anthropicLimits,
  azureLimits,
  compatibleLimits,
  deepseekLimits,
  groqLimits,
  openaiLimits,
} from '../../../ambassador/quota/shape.ts'
import { type Manner, PlainLimiter } from './plain-limiter.ts'
import type { MakeLimiter, Scenario, Truth } from './scenario.ts'

const minuteMs = 60_000

const common = {
  configured: {},
  estimate: [0.8, 1.2],
  patienceMs: 20_000,
  hasHeaders: true,
  isWhole: false,
  processes: 1,
  triedShare: 0,
  durationMs: 6 * minuteMs,
  seed: 1,
} as const

function perMinute(limit: number) {
  return { capacityPerMs: limit / minuteMs, demandPerMs: limit / minuteMs }
}

const greater = ({ input, outputMax }: Truth) => Math.max(input, outputMax)
const allowed = ({ input, outputMax }: Truth) => input + outputMax
const taken = ({ input, cached, output }: Truth) => input - cached + output
const uncached = ({ input, cached }: Truth) => input - cached

/** What a call uses of the scarcest limit, as each vendor's text says. */
export const scenarios: Readonly<Record<string, Scenario>> = {
  openai: {
    ...common,
    vendor: 'openai',
    shape: openaiLimits,
    limits: { requestsPerMinute: 10_000, tokensPerMinute: 600_000 },
    chargeOf: greater,
    tokensOf: greater,
    ...perMinute(600_000),
  },
  azure: {
    ...common,
    vendor: 'azure',
    shape: azureLimits,
    limits: { requestsPerMinute: 6_000, tokensPerMinute: 600_000 },
    chargeOf: allowed,
    tokensOf: allowed,
    ...perMinute(600_000),
  },
  'azure, requests': {
    ...common,
    vendor: 'azure',
    shape: azureLimits,
    limits: { requestsPerMinute: 600, tokensPerMinute: 6_000_000 },
    chargeOf: () => 1,
    tokensOf: allowed,
    ...perMinute(600),
  },
  'anthropic, input': {
    ...common,
    vendor: 'anthropic',
    shape: anthropicLimits,
    limits: {
      requestsPerMinute: 4_000,
      inputTokensPerMinute: 400_000,
      outputTokensPerMinute: 4_000_000,
    },
    chargeOf: uncached,
    tokensOf: taken,
    ...perMinute(400_000),
  },
  'anthropic, output': {
    ...common,
    vendor: 'anthropic',
    shape: anthropicLimits,
    limits: {
      requestsPerMinute: 4_000,
      inputTokensPerMinute: 4_000_000,
      outputTokensPerMinute: 160_000,
    },
    chargeOf: ({ output }) => output,
    tokensOf: taken,
    ...perMinute(160_000),
  },
  groq: {
    ...common,
    vendor: 'groq',
    shape: groqLimits,
    limits: { requestsPerMinute: 4_000, requestsPerDay: 500_000, tokensPerMinute: 600_000 },
    chargeOf: taken,
    tokensOf: taken,
    ...perMinute(600_000),
  },
  deepseek: {
    ...common,
    vendor: 'deepseek',
    shape: deepseekLimits,
    limits: { concurrency: 60 },
    chargeOf: ({ input, output }) => input + output,
    tokensOf: ({ input, output }) => input + output,
    capacityPerMs: undefined,
    places: 60,
    // A place is held for 3.5 s by a call of 1,040 tokens in the mean.
    demandPerMs: 60 * (1_040 / 3_530),
  },
}

function plain(manner: Manner): MakeLimiter {
  return (limits, startMs) => new PlainLimiter(manner, limits, startMs)
}

const all = ({ input, output }: Truth) => input + output

/** Providers whose texts say little: limiters for what they say, and the plainest reading of the rest. */
export const vagueScenarios: Readonly<Record<string, Scenario>> = {
  'xai, nothing told': {
    ...common,
    vendor: plain({ saysWhen: false, isBySecond: true }),
    shape: xaiLimits,
    limits: { requestsPerMinute: 6_000, tokensPerMinute: 600_000 },
    configured: { tokens: 600_000 },
    hasHeaders: false,
    chargeOf: all,
    tokensOf: all,
    ...perMinute(600_000),
  },
  mistral: {
    ...common,
    vendor: plain({
      headers: {
        requests: ['x-ratelimit-limit-req-minute', 'x-ratelimit-remaining-req-minute'],
        tokens: ['x-ratelimit-limit-tokens-minute', 'x-ratelimit-remaining-tokens-minute'],
      },
      saysWhen: true,
      isBySecond: true,
    }),
    shape: mistralLimits,
    limits: { requestsPerMinute: 6_000, tokensPerMinute: 600_000 },
    chargeOf: all,
    tokensOf: all,
    ...perMinute(600_000),
  },
  'openai-compatible': {
    ...common,
    vendor: plain({
      headers: {
        requests: ['x-ratelimit-limit-requests', 'x-ratelimit-remaining-requests'],
        tokens: ['x-ratelimit-limit-tokens', 'x-ratelimit-remaining-tokens'],
      },
      saysWhen: true,
      isBySecond: false,
    }),
    shape: compatibleLimits,
    limits: { requestsPerMinute: 6_000, tokensPerMinute: 600_000 },
    chargeOf: all,
    tokensOf: all,
    ...perMinute(600_000),
  },
}
