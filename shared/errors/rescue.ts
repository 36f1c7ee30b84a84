import type { CallContext } from '#shared/call/context.ts'
import type { Layer } from '#shared/call/service.ts'
import { errorBody } from '#shared/dialects/error-body.ts'
import { familyOf } from '#shared/dialects/surfaces.ts'
import { bytesBody } from '#shared/http/body.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { header } from '#shared/http/headers.ts'
import { type CallError, toCallError } from './call-error.ts'

/** What a half adds to its own error answers. */
export type ErrorHeaders<Context> = (error: CallError, context: Context) => [string, string][]

/**
 * Turns whatever was thrown into an answer in the caller's dialect: the one place that picks a
 * status and writes an error body. Ends at the head.
 */
export function rescue<Context extends CallContext>(
  headersOf: ErrorHeaders<Context>,
): Layer<CallRequest, CallResponse, Context> {
  return (inner) => async (request, context) => {
    try {
      return await inner(request, context)
    } catch (thrown) {
      const error = toCallError(thrown)
      context.error ??= error
      const speaksAnthropic = header(request.headers, 'anthropic-version') !== undefined
      const family = familyOf(request.path, speaksAnthropic)
      const body = Buffer.from(errorBody(family, error, context.id))
      return {
        status: statusOf(error),
        headers: [
          ['content-type', 'application/json'],
          ['content-length', String(body.length)],
          ...headersOf(error, context),
        ],
        body: bytesBody(body),
      }
    }
  }
}

/** A provider that failed inside a 200 said its status in the error object. */
function statusOf(error: CallError): number {
  const said = error.facts['upstreamStatus']
  return typeof said === 'number' && said >= 400 && said <= 599 ? said : error.row.status
}
