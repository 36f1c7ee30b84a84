import type { Layer } from '#shared/call/service.ts'
import { nearest } from '#shared/config/nearest.ts'
import type { Config } from '#shared/config/schema.ts'
import { allTargets } from '#shared/config/target-schema.ts'
import { surfaceOf, surfacePaths } from '#shared/dialects/surfaces.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { bytesBody } from '#shared/http/body.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { header } from '#shared/http/headers.ts'
import type { SidecarCall } from './call.ts'
import { configOf } from './config-of.ts'

/**
 * Answers what the sidecar knows by itself: the list of models, and the probes of Anthropic's
 * clients. Everything else must be a
 * surface. Ends at once. Errors: `path-not-found`,
 * `method-not-allowed`, `model-not-found`.
 */
export function answer(): Layer<CallRequest, CallResponse, SidecarCall> {
  return (inner) => (request, context) => {
    const { method, path } = request
    const surface = surfaceOf(path)
    if (surface !== undefined) {
      if (method !== 'POST') throw wrongMethod(method, 'POST')
      context.surface = surface
      return inner(request, context)
    }
    if (path === '/' || path === '/api/hello') {
      if (method !== 'HEAD' && method !== 'GET') throw wrongMethod(method, 'HEAD')
      return Promise.resolve(json({ status: 'ok' }))
    }
    if (path === '/v1/models' || path.startsWith('/v1/models/')) {
      if (method !== 'GET' && method !== 'HEAD') throw wrongMethod(method, 'GET')
      return Promise.resolve(models(request, context))
    }
    throw new CallError(
      'path-not-found',
      `Cannot serve this path: there are ${surfacePaths.join(', ')}`,
    )
  }
}

function wrongMethod(method: string, wanted: string): CallError {
  return new CallError('method-not-allowed', `Cannot serve ${method} here: use ${wanted}`)
}

function models(request: CallRequest, context: SidecarCall): CallResponse {
  const config = configOf(context)
  const usual = header(request.headers, 'anthropic-version') === undefined ? 'openai' : 'anthropic'
  const form = (request.family ?? usual) === 'anthropic' ? anthropicModel : openaiModel
  if (request.path === '/v1/models') return json(list(config, form))
  const id = decode(request.path.slice('/v1/models/'.length))
  if (Object.hasOwn(config.models, id)) return json(form(id, config))
  const close = nearest(id, Object.keys(config.models))
  const state = close === undefined ? 'no such model' : `did you mean '${close}'?`
  const shown = id.slice(0, 100)
  throw new CallError('model-not-found', `Cannot find model '${shown}': ${state}`, {
    field: 'model',
  })
}

type Form = (id: string, config: Config) => object

function list(config: Config, form: Form): object {
  const ids = Object.keys(config.models)
  const data = ids.map((id) => form(id, config))
  if (form === openaiModel) return { object: 'list', data }
  return { data, has_more: false, first_id: ids[0] ?? null, last_id: ids.at(-1) ?? null }
}

/** The configuration says nothing of a model's age; both dialects want a time. */
const created = 0

function openaiModel(id: string, config: Config): object {
  const model = config.models[id]
  const owner = (model && allTargets(model)[0]?.provider) ?? 'outrigger'
  return { id, object: 'model', created, owned_by: owner }
}

function anthropicModel(id: string): object {
  return { type: 'model', id, display_name: id, created_at: new Date(created).toISOString() }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // A broken escape names no model; it is reported as it came.
    return text
  }
}

function json(value: object): CallResponse {
  const body = Buffer.from(JSON.stringify(value))
  return {
    status: 200,
    headers: ['content-type', 'application/json', 'content-length', String(body.length)],
    body: bytesBody(body),
  }
}
