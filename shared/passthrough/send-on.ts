import type { CallContext } from '#shared/call/context.ts'
import type { Layer } from '#shared/call/service.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { header } from '#shared/http/headers.ts'
import type { BodyLedger } from '#shared/http/receive.ts'
import { Upload } from '#shared/http/upload.ts'
import { type Passing, passingOf } from './passable.ts'

/** What of a half's configuration bounds a body that is read as it is sent. */
export interface UploadLimits {
  readonly uploadMax: number
  readonly bodyTimeout: number
  readonly bodiesMax: number
}

/** Nobody reads the body here: it is read as it is sent. Errors: those of {@link Upload}. */
export function sendOn<Context extends CallContext>(
  ledger: BodyLedger,
  limitsOf: (context: Context) => UploadLimits,
): Layer<CallRequest, CallResponse, Context> {
  return (inner) => (request, context) => {
    if (!hasBody(request)) return inner(request, context)
    const { uploadMax, bodyTimeout, bodiesMax } = limitsOf(context)
    const limits = { bytesMax: uploadMax, pauseMs: bodyTimeout, allBytesMax: bodiesMax }
    const upload = new Upload({ request, context, ledger, limits })
    return inner({ ...request, upload }, context)
  }
}

function hasBody({ incoming, headers }: CallRequest): boolean {
  const { declaredBytes = 0 } = incoming
  return declaredBytes > 0 || header(headers, 'transfer-encoding') !== undefined
}

/** What of the allow-list is asked for; undefined for a path that is not on it. Error: `method-not-allowed`. */
export function passingFor({ method, path }: CallRequest): Passing | undefined {
  const passing = passingOf(method, path)
  if (passing === undefined || !('allowed' in passing)) return passing
  const message = `Cannot serve ${method} here: use ${passing.allowed}`
  throw new CallError('method-not-allowed', message)
}
