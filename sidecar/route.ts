import type { Layer } from '#shared/call/service.ts'
import { nearest } from '#shared/config/nearest.ts'
import type { Config } from '#shared/config/schema.ts'
import type { Dialect } from '#shared/dialects/surfaces.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import type { Route, SidecarCall } from './call.ts'
import { configOf } from './config-of.ts'

/**
 * Finds the first target of the asked model that speaks the caller's dialect. Ends at once. Errors:
 * `model-not-found` with the nearest names, `dialect-not-spoken`.
 */
export function route(): Layer<CallRequest, CallResponse, SidecarCall> {
  return (inner) => (request, context) => {
    context.route = routeOf(configOf(context), context.modelAsked, context.dialect ?? 'chat')
    return inner(request, context)
  }
}

function routeOf(config: Config, asked: string, dialect: Dialect): Route {
  const model = config.models[asked]
  if (model === undefined) throw unknownModel(config, asked)
  const spoken = new Set<Dialect>()
  for (const target of model.targets) {
    const provider = config.providers[target.provider]
    for (const name of provider?.dialects ?? []) spoken.add(name)
    if (provider?.dialects.includes(dialect) === true) {
      return { provider: target.provider, model: target.model, addresses: provider.address }
    }
  }
  throw new CallError(
    'dialect-not-spoken',
    `Cannot serve model '${asked}' here: its providers speak ${[...spoken].join(', ')}, not ${dialect}`,
    { field: 'model' },
  )
}

function unknownModel(config: Config, asked: string): CallError {
  const names = Object.keys(config.models)
  const close = nearest(asked, names)
  const state =
    close === undefined ? `there are ${names.slice(0, 10).join(', ')}` : `did you mean '${close}'?`
  const shown = asked.slice(0, 100)
  return new CallError('model-not-found', `Cannot find model '${shown}': ${state}`, {
    field: 'model',
  })
}
