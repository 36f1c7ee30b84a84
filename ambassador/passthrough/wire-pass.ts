import { withMembers } from '#shared/dialects/top-level.ts'
import type { CallRequest } from '#shared/http/call.ts'
import type { OutboundRequest } from '#shared/http/client.ts'
import { endToEnd, header } from '#shared/http/headers.ts'
import { formScanner, isForm, twoModels } from '#shared/passthrough/model-alias.ts'
import { isDropped, keyedFor } from '../attempt/wire-request.ts'
import type { AmbassadorCall } from '../call.ts'
import { providerOf } from '../provider-of.ts'
import { baseOf } from '../providers/base-of.ts'
import { profileOf } from '../providers/profile.ts'
import { credentialHeaders } from '../providers/wire-credential.ts'

/** What the provider gets as the question's bytes. */
interface Sent {
  readonly body: Buffer | undefined
  readonly stream?: OutboundRequest['stream']
  /** Undefined where it is not known before its end. */
  readonly bytes: number | undefined
}

/**
 * The request as it goes to `origin`, or where its credential is valid: method, query, type and bytes are the
 * caller's, but for the name of the model. Throws `provider-disabled` where no credential can be used.
 */
export function wirePass(
  request: CallRequest,
  context: AmbassadorCall,
  origin: string,
): OutboundRequest {
  const provider = providerOf(context)
  const profile = profileOf(provider)
  const keyed = keyedFor(context, provider)
  const model = keyed?.credential.deployments?.[context.model] ?? context.model
  const { body, stream, bytes } = sentOf(request, context, model)
  const headers = endToEnd(request.headers, isDropped)
  if (keyed !== undefined) headers.push(...credentialHeaders(profile, keyed))
  const type = header(request.headers, 'content-type')
  if (type !== undefined) headers.push('content-type', type)
  headers.push('accept-encoding', 'identity')
  if (bytes !== undefined) headers.push('content-length', String(bytes))
  const base = baseOf(keyed?.credential.baseUrl ?? origin)
  return {
    origin: base.origin,
    method: request.method,
    path: profile.path(base.path, request.path, model) + profile.query(request.query, provider),
    headers,
    body,
    stream,
  }
}

function sentOf(request: CallRequest, context: AmbassadorCall, model: string): Sent {
  const { upload } = request
  if (upload !== undefined) return uploaded({ ...request, upload }, context, model)
  // What is stored is asked for without a model, and mostly without a body.
  if (context.modelAsked === '') return { body: undefined, bytes: bytesOfNone(request) }
  const body = namedBody(request, context, model)
  return { body, bytes: body.length }
}

function bytesOfNone({ method }: CallRequest): number | undefined {
  return method === 'POST' ? 0 : undefined
}

function namedBody({ body }: CallRequest, context: AmbassadorCall, model: string): Buffer {
  const { bodyValues, modelAsked } = context
  if (bodyValues.has('model') && model === modelAsked) return body
  const json = JSON.stringify(model)
  // A member is put before others: here there is none.
  if (/^\s*\{\s*\}\s*$/.test(body.toString('utf8', 0, 64))) return Buffer.from(`{"model":${json}}`)
  return withMembers(body, bodyValues, { model: json })
}

type Uploading = CallRequest & Required<Pick<CallRequest, 'upload'>>

function uploaded(request: Uploading, context: AmbassadorCall, model: string): Sent {
  const { upload } = request
  const { modelAsked, isModelNear } = context
  const declared = upload?.declaredBytes
  if (modelAsked === '' || !isForm(request)) {
    return { body: undefined, stream: upload?.stream(), bytes: declared }
  }
  const scanner = formScanner(request, (value) => {
    if (value !== modelAsked) throw twoModels()
    return model
  })
  const more = Buffer.byteLength(model) - Buffer.byteLength(modelAsked)
  const isKnown = isModelNear || more === 0
  const bytes = declared === undefined || !isKnown ? undefined : declared + more
  return { body: undefined, stream: upload?.stream(scanner), bytes }
}
