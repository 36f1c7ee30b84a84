import { failureOf, statusFailure } from './failure.ts'
import { type ProviderCall, sendBody, sendFailure, vendorHeaders } from './provider-call.ts'
import type { Route } from './route.ts'

/** What is asked of a stored response: only the account that has made it has it. */
export function answerStored(call: ProviderCall, route: Extract<Route, { kind: 'stored' }>): void {
  const { host, request, response } = call
  const { vendor } = host.options
  const method = request.method ?? 'GET'
  const holder = host.keys.holderOf(request.headers)
  if (holder === null) {
    host.truth.unauthorized += 1
    sendFailure(call, failureOf(vendor, 'unauthorized') ?? statusFailure(vendor, 401, 'No key'))
    return
  }
  const methods = { '': ['GET', 'DELETE'], '/cancel': ['POST'], '/input_items': ['GET'] }
  if (!methods[route.suffix].includes(method)) {
    sendFailure(call, statusFailure(vendor, 405, 'Method Not Allowed'))
    return
  }
  const asked = host.responses.ask(holder.account, { ...route, method })
  if ('failure' in asked) sendFailure(call, asked.failure)
  else if (asked.events === undefined) sendBody(call, JSON.stringify(asked.body))
  else {
    response.writeHead(200, vendorHeaders(call, 'text/event-stream; charset=utf-8'))
    response.end(asked.events.join(''))
  }
}
