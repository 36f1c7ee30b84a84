import type { Layer } from '#shared/call/service.ts'
import { scanBody, type TopLevel } from '#shared/dialects/scan-body.ts'
import { shortValueAt } from '#shared/dialects/top-level.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { headerAlias, modelMissing } from '#shared/passthrough/model-alias.ts'
import type { SidecarCall } from '../call.ts'

/**
 * Reads the model from the body, or from the header where the body has none. Ends at once, or with a
 * large body in steps. Errors: `invalid-json`, `invalid-field`, and the reason of a cancellation.
 */
export function named(): Layer<CallRequest, CallResponse, SidecarCall> {
  return (inner) => (request, context) => {
    const top = scanBody(request.body, ['model', 'stream'], context)
    if (top instanceof Promise) {
      return top.then((late) => {
        take(request, context, late)
        return inner(request, context)
      })
    }
    take(request, context, top)
    return inner(request, context)
  }
}

function take(request: CallRequest, context: SidecarCall, { values, repeated }: TopLevel): void {
  if (repeated !== undefined)
    throw invalid(repeated, `'${repeated}' occurs twice or in another case`)
  const range = values.get('model')
  const model = range === undefined ? headerAlias(request) : shortValueAt(request.body, range)
  if (model === undefined) throw modelMissing('the body')
  if (typeof model !== 'string' || model === '') throw invalid('model', "'model' must be a string")
  context.modelAsked = model
  context.isStream = shortValueAt(request.body, values.get('stream')) === true
}

function invalid(field: string, state: string): CallError {
  return new CallError('invalid-field', `Cannot read the body: ${state}`, { field })
}
