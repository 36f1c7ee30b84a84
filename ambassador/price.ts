import type { Layer } from '#shared/call/service.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import type { AmbassadorCall } from './call.ts'
import type { ExpectedTokens } from './limits/limit.ts'
import { askedBill } from './prices/asked-bill.ts'
import type { PicoUsd } from './prices/money.ts'
import { reserveCost } from './prices/reserve.ts'
import type { PriceShelf } from './prices/shelf.ts'
import { configOf } from './provider-of.ts'

/**
 * Finds what the model costs. Ends at once. Error: `price-unknown`, where the configuration wants a
 * price for every call.
 */
export function price(shelf: PriceShelf): Layer<CallRequest, CallResponse, AmbassadorCall> {
  return (inner) => (request, context) => {
    if (context.surface?.wants === 'count') return inner(request, context)
    const book = shelf.bookFor(configOf(context))
    const pricing = book?.priceOf(context.model, context.clock.wall())
    if (pricing?.kind === 'refused') {
      const shown = context.model.slice(0, 100)
      throw new CallError('price-unknown', `Cannot serve model '${shown}': it has no price`)
    }
    context.seller = book?.seller
    context.price = pricing?.kind === 'priced' ? pricing.price : undefined
    return inner(request, context)
  }
}

/**
 * The most that a call of these tokens can cost as its question asks for it; undefined where nobody
 * knows the price.
 */
export function picoUsdOf(
  { price: known, bodyValues }: AmbassadorCall,
  { input, output }: ExpectedTokens,
  body: Buffer,
): PicoUsd | undefined {
  if (known === undefined) return undefined
  const asked = askedBill(body, bodyValues)
  return reserveCost({ ...asked, price: known, inputTokens: input, outputMax: output })
}
