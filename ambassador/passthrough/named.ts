import type { Layer } from '#shared/call/service.ts'
import { scanBody, type TopLevel } from '#shared/dialects/scan-body.ts'
import { shortValueAt } from '#shared/dialects/top-level.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { header } from '#shared/http/headers.ts'
import { headerAlias, modelMissing, peekModel } from '#shared/passthrough/model-alias.ts'
import type { AmbassadorCall } from '../call.ts'
import { applyTenant } from '../identity/authorize.ts'
import { refuseShared } from '../stored/shared-account.ts'

type Step = Layer<CallRequest, CallResponse, AmbassadorCall>

/** Keys of a body that the provider may get otherwise, and what says whether its answer streams. */
const scanned = ['model', 'stream', 'stream_format']

/**
 * Reads the model from the body itself, or from the header where the body has none, and decides whether the
 * tenant may use it. Ends at once, or with a large body in steps. Errors: `invalid-json`, `invalid-field`,
 * `model-forbidden`, `stored-forbidden`.
 */
export function namedByBody(): Step {
  return (inner) => (request, context) => {
    const goOn = (top: TopLevel) => {
      takeBody(request, context, top)
      const refused = refuseShared(request.body, context, 'images')
      return refused === undefined
        ? inner(request, context)
        : refused.then(() => inner(request, context))
    }
    const top = scanBody(request.body, scanned, context)
    return top instanceof Promise ? top.then(goOn) : goOn(top)
  }
}

function takeBody(request: CallRequest, context: AmbassadorCall, top: TopLevel): void {
  const { body } = request
  const { values, repeated } = top
  if (repeated !== undefined)
    throw invalid(repeated, `'${repeated}' occurs twice or in another case`)
  const range = values.get('model')
  const model = range === undefined ? headerAlias(request) : shortValueAt(body, range)
  if (model === undefined) throw modelMissing('the body')
  if (typeof model !== 'string' || model === '') throw invalid('model', "'model' must be a string")
  const streams = shortValueAt(body, values.get('stream')) === true
  context.isStream = streams || shortValueAt(body, values.get('stream_format')) === 'sse'
  context.bodyValues = values
  takeModel(request, context, model)
}

function invalid(field: string, state: string): CallError {
  return new CallError('invalid-field', `Cannot read the body: ${state}`, { field })
}

/** As {@link namedByBody}, from the beginning of a form. It is sent once. Errors: also those of `peekModel`. */
export function namedByForm(): Step {
  return (inner) => async (request, context) => {
    const { upload } = request
    if (upload === undefined) {
      throw new CallError('malformed-request', 'Cannot read the form: it is empty')
    }
    const { model, isNear } = await peekModel(request, upload)
    takeModel(request, context, model)
    context.attemptsMax = context.attemptsBefore + 1
    context.isModelNear = isNear
    return inner(request, context)
  }
}

/** The sidecar names the target; what it may name is checked against the configuration. */
function takeModel(request: CallRequest, context: AmbassadorCall, model: string): void {
  context.modelAsked = model
  applyTenant(request, context, header(request.headers, 'x-outrigger-model') || model)
}
