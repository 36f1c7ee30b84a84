import * as v from 'valibot'
import { modelName, oneOf } from './fields.ts'

const decimal = /^\d{1,6}(?:\.\d{1,6})?$/

/**
 * A decimal from 0 to 999999.999999, kept as text: what YAML makes of 0.1 is a number of base two,
 * whose shortest text is what was written.
 */
function exactDecimal(message: string) {
  return v.pipe(
    v.union(
      [
        v.pipe(
          v.number(message),
          v.minValue(0, message),
          v.maxValue(999_999, message),
          v.check((input) => decimal.test(String(input)), message),
        ),
        v.pipe(v.string(message), v.regex(decimal, message)),
      ],
      message,
    ),
    v.transform(String),
  )
}

const usdPerMillion = exactDecimal(
  'must be USD for a million tokens with at most six decimals, such as 2.50 or 0.075',
)

const usdPerRequest = exactDecimal(
  'must be USD for each call with at most six decimals, such as 0.005',
)

const factor = exactDecimal('must be a factor with at most six decimals, such as 0.5 or 1.75')

/** What is not priced apart costs as its whole: cached tokens as input, reasoning as output. */
const rates = {
  input: v.optional(usdPerMillion),
  cached: v.optional(usdPerMillion),
  cacheWrite: v.optional(usdPerMillion),
  cacheWrite1h: v.optional(usdPerMillion),
  output: v.optional(usdPerMillion),
  reasoning: v.optional(usdPerMillion),
}

const tokensMessage = 'must be a whole number of tokens, such as 200000'

const step = v.object({
  // Input tokens, cached ones included: a longer call has these rates for all of its tokens.
  over: v.pipe(v.number(tokensMessage), v.integer(tokensMessage), v.minValue(1, tokensMessage)),
  ...rates,
})

const ownPrice = {
  ...rates,
  request: v.optional(usdPerRequest),
  // Of the rates above, those that a step leaves out stay.
  steps: v.optional(v.pipe(v.array(step), v.maxLength(8, 'must be at most 8 steps')), []),
  // By what an answer says of its tier, speed or place: `priority`, `flex`, `us`.
  factors: v.optional(
    v.record(v.pipe(v.string(), v.regex(/^[a-z0-9_-]{1,40}$/, 'must be a tier')), factor),
    {},
  ),
}

const price = v.pipe(
  v.object({
    // The published model that this name stands for: deployments are named freely.
    sameAs: v.optional(modelName),
    ...ownPrice,
  }),
  v.check(
    ({ sameAs, input, request }) =>
      sameAs !== undefined || input !== undefined || request !== undefined,
    'must have input, request or sameAs: without one of them there is no price',
  ),
)

/** A price as the configuration gives it; amounts are decimal texts. */
export type PriceEntry = v.InferOutput<typeof price>

const flat = v.pipe(
  v.object(ownPrice),
  v.check(
    ({ input, request }) => input !== undefined || request !== undefined,
    'must have input or request: without one of them there is no price',
  ),
)

/** A price for every model that has none. */
export type FlatPrice = v.InferOutput<typeof flat>

const unknownMessage = 'must be allow, refuse or { flat: … } with prices'

/** By the provider's name of the model; before published prices. */
export const prices = v.optional(v.record(modelName, price), {})

/**
 * What becomes of calls whose model has no price: served at a cost that is unknown, refused, or
 * charged at a stand-in.
 */
export const unknownPrice = v.optional(
  v.union([oneOf(['allow', 'refuse']), v.object({ flat })], unknownMessage),
  'allow',
)
export type UnknownPrice = v.InferOutput<typeof unknownPrice>
