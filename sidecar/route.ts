import type { Layer } from '#shared/call/service.ts'
import { nearest } from '#shared/config/nearest.ts'
import type { Config, Target } from '#shared/config/schema.ts'
import type { Surface } from '#shared/dialects/surfaces.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import type { Route, SidecarCall } from './call.ts'
import { configOf } from './config-of.ts'

/**
 * Finds the targets of the asked model that speak the caller's dialect; the first is the one that
 * the call goes to. Ends at once. Errors: `model-not-found` with the nearest names,
 * `dialect-not-spoken`.
 */
export function route(): Layer<CallRequest, CallResponse, SidecarCall> {
  return (inner) => (request, context) => {
    context.targets = targetsOf(configOf(context), context.modelAsked, context.surface)
    context.route = context.targets[0]
    return inner(request, context)
  }
}

function targetsOf(config: Config, asked: string, surface: Surface | undefined): readonly Route[] {
  const model = config.models[asked]
  if (model === undefined) throw unknownModel(config, asked)
  const dialect = surface?.dialect
  const speaking = model.targets.filter(({ provider }) =>
    config.providers[provider]?.dialects.some((name) => name === dialect),
  )
  if (speaking.length > 0) return speaking.map((target) => routeTo(target, config))
  // What is only counted needs nobody who would answer it.
  if (surface?.wants === 'count') return model.targets.map((target) => routeTo(target, config))
  const spoken = model.targets.flatMap(({ provider }) => config.providers[provider]?.dialects ?? [])
  throw new CallError(
    'dialect-not-spoken',
    `Cannot serve model '${asked}' here: its providers speak ${[...new Set(spoken)].join(', ')}, ` +
      `not ${dialect}`,
    { field: 'model' },
  )
}

function routeTo({ provider, model, contextWindow, tokenizer }: Target, config: Config): Route {
  const addresses = config.providers[provider]?.address ?? []
  return { provider, model, addresses, contextWindow, tokenizer }
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
