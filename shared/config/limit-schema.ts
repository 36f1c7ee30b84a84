import * as v from 'valibot'
import { count, filePath, labelName, modelName, oneOf } from './fields.ts'

/** What a limit counts. `tokens` are input and output together; `usd` is money. */
export const limitUnits = ['requests', 'tokens', 'inputTokens', 'outputTokens', 'usd'] as const
export type LimitUnit = (typeof limitUnits)[number]

/** How long what was used stays used: a sliding minute, else the calendar's hour, day or month. */
export const limitSpans = ['minute', 'hour', 'day', 'month'] as const
export type LimitSpan = (typeof limitSpans)[number]

/** Far below 2^53, up to which a number is exact; nobody may use a trillion tokens. */
const amount = count({ max: 1_000_000_000_000 })

/** A hundredth of a cent is the least that a limit can tell; a billion dollars nobody means. */
const dollars = v.pipe(
  v.number('must be a number of US dollars, such as 50 or 0.25'),
  v.minValue(0.0001, 'must be at least 0.0001'),
  v.maxValue(1_000_000_000, 'must be at most 1000000000'),
)

const oneAmount = `must name one amount: ${limitUnits.join(', ')}`

const limit = v.pipe(
  v.object({
    requests: v.optional(amount),
    tokens: v.optional(amount),
    inputTokens: v.optional(amount),
    outputTokens: v.optional(amount),
    usd: v.optional(dollars),
    per: oneOf(limitSpans),
    // Names under `models`: calls that one of their targets serves; all calls where absent.
    models: v.optional(v.pipe(v.array(modelName), v.minLength(1, 'must name at least one model'))),
    // Calls of these classes; of all where absent.
    classes: v.optional(v.pipe(v.array(labelName), v.minLength(1, 'must name at least one class'))),
    // The amount for each served model by itself, not for all of them together.
    each: v.optional(oneOf(['model'])),
  }),
  v.check(
    (entry) => limitUnits.filter((unit) => entry[unit] !== undefined).length === 1,
    oneAmount,
  ),
)

/** One limit of a tenant: exactly one of its amounts is there. */
export type LimitEntry = v.InferOutput<typeof limit>

/** The unit of `entry` and how much of it, as it stands in the file. */
export function amountOf(entry: LimitEntry): { readonly unit: LimitUnit; readonly amount: number } {
  const unit = limitUnits.find((name) => entry[name] !== undefined) ?? 'requests'
  return { unit, amount: entry[unit] ?? 0 }
}

/** The same text for two limits that count the same calls in the same unit and span. */
export function limitIdentity(entry: LimitEntry): string {
  const sorted = (names: readonly string[] | undefined) => [...new Set(names)].toSorted()
  const { per, models, classes, each } = entry
  return JSON.stringify([
    amountOf(entry).unit,
    per,
    sorted(models),
    sorted(classes),
    each ?? 'together',
  ])
}

/** Keys of a tenant that say what it may spend. */
export const tenantLimitKeys = {
  // What each ambassador process lets the tenant use; without limits where absent.
  limits: v.optional(
    v.pipe(
      v.array(limit),
      v.maxLength(64, 'must have at most 64 limits'),
      v.check(
        (entries) => new Set(entries.map(limitIdentity)).size === entries.length,
        'must limit the same calls once only in one unit and span',
      ),
    ),
    [],
  ),
  // Calls in flight in each ambassador process; only `callsMax` bounds them where absent.
  concurrency: v.optional(count()),
  // Output tokens set aside for a call that states no maximum; more is charged when it has ended.
  outputReserve: v.optional(count(), 1_024),
}

/** Directory that keeps what tenants have used across restarts; in memory alone where absent. */
export const journalDirectory = v.optional(filePath)
