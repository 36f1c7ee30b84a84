import type { CallContext } from '#shared/call/context.ts'
import type { Layer } from '#shared/call/service.ts'
import { errorBody } from '#shared/dialects/error-body.ts'
import { familyOf } from '#shared/dialects/surfaces.ts'
import { bytesBody } from '#shared/http/body.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { header } from '#shared/http/headers.ts'
import type { Log } from '#shared/telemetry/access-log.ts'
import { logDefect } from '#shared/telemetry/defect.ts'
import { type CallError, toCallError } from './call-error.ts'

export interface RescueParts<Context> {
  /** What a half adds to its own error answers. */
  readonly headersOf: (error: CallError, context: Context) => string[]
  readonly log: () => Log
}

/**
 * Turns whatever was thrown into an answer in the caller's dialect: the one place that picks a
 * status and writes an error body. A defect of ours is logged where it surfaced. Ends at the head.
 */
export function rescue<Context extends CallContext>(
  parts: RescueParts<Context>,
): Layer<CallRequest, CallResponse, Context> {
  return (inner) => async (request, context) => {
    try {
      return await inner(request, context)
    } catch (thrown) {
      const error = toCallError(thrown)
      context.error ??= error
      if (error.cause !== undefined) logDefect(parts.log(), error.cause, context.id)
      const speaksAnthropic = header(request.headers, 'anthropic-version') !== undefined
      const family = request.family ?? familyOf(request.path, speaksAnthropic)
      const body = Buffer.from(errorBody(family, error, context.id))
      return {
        status: error.row.status,
        headers: [
          'content-type',
          'application/json',
          'content-length',
          String(body.length),
          ...parts.headersOf(error, context),
          ...retryAfter(error),
          ...(isFinal(error) ? ['x-should-retry', 'false'] : []),
        ],
        body: bytesBody(body),
      }
    }
  }
}

/** Whether a second try by the caller would be in vain, or was left for its bill's sake. */
function isFinal({ facts, row }: CallError): boolean {
  return row.isLasting === true || facts['isFinal'] === true
}

function retryAfter(error: CallError): string[] {
  const { retryAfterMs } = error.facts
  if (typeof retryAfterMs === 'number') {
    const seconds = String(Math.ceil(retryAfterMs / 1_000))
    return ['retry-after', seconds, 'retry-after-ms', String(Math.ceil(retryAfterMs))]
  }
  return error.row.replay === 'safe' && !isFinal(error) ? retrySoon : []
}

/** Full or ending: another process, or this one in a moment, may have room. */
const retrySoon = ['retry-after', '1']
