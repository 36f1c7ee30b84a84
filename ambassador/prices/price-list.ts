import { type PicoUsd, parseDecimal, perToken } from './money.ts'
import { type PartialRates, type Price, type Rates, ratesOf } from './price.ts'
import type { PublishedModel, PublishedPrices } from './published-schema.ts'

/** Prices that hold from a day on, or in some hours of every day; always, where it says neither. */
export interface Period {
  /** From this instant on, ms since 1970. */
  readonly sinceMs: number | undefined
  /** Seconds of the day in UTC; `to` is not part of it and may come before `from`. */
  readonly hours: { readonly from: number; readonly to: number } | undefined
  /** Undefined where nothing that our usage counts has a price. */
  readonly list: PriceList | undefined
}

/** The prices of a model, without what depends on who asks. */
export type PriceList = Pick<Price, 'base' | 'steps' | 'request' | 'isWhole'>

/** The units that our usage counts, and their names in the package of prices. */
const unitNames: { readonly [Name in keyof Rates]: string } = {
  input: 'input_mtok',
  cached: 'cache_read_mtok',
  cacheWrite: 'cache_write_mtok',
  cacheWrite1h: 'cache_write_1h_mtok',
  output: 'output_mtok',
  reasoning: 'output_reasoning_mtok',
}

const counted: ReadonlySet<string> = new Set(Object.values(unitNames))

/** The periods of `model` in the package's order: the last that holds counts. */
export function periodsOf({ prices }: PublishedModel): readonly Period[] {
  if (!Array.isArray(prices)) {
    return [{ sinceMs: undefined, hours: undefined, list: listOf(prices) }]
  }
  return prices.map(({ constraint, prices: inPeriod }) => ({
    sinceMs: constraint?.type === 'start_date' ? Date.parse(constraint.start_date) : undefined,
    hours:
      constraint?.type === 'time_of_date'
        ? { from: secondOf(constraint.start_time), to: secondOf(constraint.end_time) }
        : undefined,
    list: listOf(inPeriod),
  }))
}

function secondOf(time: string): number {
  return (Date.parse(`1970-01-01T${time}`) / 1_000) % 86_400
}

/** The prices at an instant; the first period's where none holds, as the package has it. */
export function listAt(periods: readonly Period[], atMs: number): PriceList | undefined {
  const holding = periods.findLast((period) => holdsAt(period, atMs)) ?? periods[0]
  return holding?.list
}

function holdsAt({ sinceMs, hours }: Period, atMs: number): boolean {
  if (sinceMs !== undefined) return atMs >= sinceMs
  if (hours === undefined) return true
  const second = (atMs / 1_000) % 86_400
  const { from, to } = hours
  return to < from ? second >= from || second < to : second >= from && second < to
}

function listOf(prices: PublishedPrices): PriceList | undefined {
  const units = Object.keys(prices)
  const request = requestOf(prices)
  // Sold by the hour, page or picture. No units at all may mean free, or that nobody looked.
  if (prices[unitNames.input] === undefined && request === 0n) return undefined
  const hasOtherOutput = units.some((unit) => unit.startsWith('output_') && !counted.has(unit))
  if (prices[unitNames.output] === undefined && hasOtherOutput) return undefined
  return {
    base: ratesOf(ratesOver(prices, -1)),
    steps: thresholds(prices).map((over) => ({ over, rates: ratesOf(ratesOver(prices, over)) })),
    request,
    isWhole: units.every((unit) => counted.has(unit) || !unit.endsWith('_mtok')),
  }
}

/** USD for a thousand calls, for one call. */
function requestOf(prices: PublishedPrices): PicoUsd {
  const price = prices['requests_kcount']
  return price === undefined ? 0n : parseDecimal(String(baseOf(price)), 9)
}

type Amount = NonNullable<PublishedPrices[string]>

function baseOf(price: Amount): number {
  return typeof price === 'number' ? price : price.base
}

function thresholds(prices: PublishedPrices): number[] {
  const starts = Object.values(prices).flatMap((price) =>
    typeof price === 'object' ? price.tiers.map(({ start }) => start) : [],
  )
  return [...new Set(starts)].toSorted((one, other) => one - other)
}

/** What each unit costs in a call whose input is longer than `over`. */
function ratesOver(prices: PublishedPrices, over: number): PartialRates {
  const rate = (name: keyof Rates): PicoUsd | undefined => {
    const price = prices[unitNames[name]]
    if (price === undefined) return undefined
    if (typeof price === 'number') return perToken(String(price))
    const step = price.tiers
      .toSorted((one, other) => one.start - other.start)
      .findLast(({ start }) => start <= over)
    return perToken(String(step?.price ?? price.base))
  }
  return {
    input: rate('input'),
    cached: rate('cached'),
    cacheWrite: rate('cacheWrite'),
    cacheWrite1h: rate('cacheWrite1h'),
    output: rate('output'),
    reasoning: rate('reasoning'),
  }
}
