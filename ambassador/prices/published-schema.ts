import * as v from 'valibot'

/** How the package of prices says which names mean a model. Letters' case does not count. */
export type MatchLogic =
  | { readonly or: readonly MatchLogic[] }
  | { readonly and: readonly MatchLogic[] }
  | { readonly equals: string }
  | { readonly starts_with: string }
  | { readonly ends_with: string }
  | { readonly contains: string }
  | { readonly regex: string }

const text = v.pipe(v.string(), v.minLength(1))

const match: v.GenericSchema<MatchLogic> = v.lazy(() =>
  v.union([
    v.strictObject({ or: v.array(match) }),
    v.strictObject({ and: v.array(match) }),
    v.strictObject({ equals: text }),
    v.strictObject({ starts_with: text }),
    v.strictObject({ ends_with: text }),
    v.strictObject({ contains: text }),
    v.strictObject({ regex: text }),
  ]),
)

/** USD; a million for one token would be a mistake, and so would what is not finite. */
const amount = v.pipe(v.number(), v.minValue(0), v.maxValue(1_000_000))

const tiered = v.object({
  base: amount,
  tiers: v.array(
    v.object({ start: v.pipe(v.number(), v.safeInteger(), v.minValue(0)), price: amount }),
  ),
})

/** By unit: `input_mtok` is USD for a million tokens, `requests_kcount` for a thousand calls. */
const prices = v.pipe(
  v.unknown(),
  // A list is an object too, and an empty one would pass for a model without prices.
  v.check((input) => !Array.isArray(input), 'must be prices by unit'),
  v.record(v.string(), v.optional(v.union([amount, tiered]))),
)

const clockTime = v.pipe(v.string(), v.regex(/^([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/))

const constraint = v.union([
  v.strictObject({ type: v.literal('start_date'), start_date: v.pipe(v.string(), v.isoDate()) }),
  v.strictObject({
    type: v.literal('time_of_date'),
    start_time: clockTime,
    end_time: clockTime,
  }),
])

const period = v.object({ constraint: v.optional(constraint), prices })

const model = v.object({
  id: text,
  match,
  prices: v.union([v.pipe(v.array(period), v.minLength(1)), prices]),
})

const provider = v.object({
  id: text,
  // A pattern of base URLs.
  api_pattern: text,
  // Whose models it serves besides, by their own prices.
  fallback_model_providers: v.optional(v.array(text), []),
  models: v.array(v.unknown()),
})

export type PublishedPeriod = v.InferOutput<typeof period>
export type PublishedPrices = v.InferOutput<typeof prices>
export type PublishedModel = v.InferOutput<typeof model>
export type PublishedProvider = v.InferOutput<typeof provider>

/**
 * Providers as the package of prices publishes them; their models are not looked at yet.
 * @throws Error naming what is wrong and where: half a price list is worse than none.
 */
export function parseProviders(value: unknown): readonly PublishedProvider[] {
  return parse(v.array(provider), value, 'providers')
}

/** The models of one provider. @throws as {@link parseProviders} */
export function parseModels({ id, models }: PublishedProvider): readonly PublishedModel[] {
  return parse(v.array(model), models, id)
}

function parse<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  where: string,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value)
  if (result.success) return result.output
  const [first] = result.issues
  const path = v.getDotPath(first) ?? 'all of it'
  throw new Error(
    `Cannot read the published prices: ${where}, ${path}: ${first.message.slice(0, 200)} ` +
      `(${result.issues.length} problems)`,
  )
}
