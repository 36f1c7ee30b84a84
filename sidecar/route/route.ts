import type { Layer } from '#shared/call/service.ts'
import { nearest } from '#shared/config/nearest.ts'
import type { Config, Entry, Model, Target } from '#shared/config/schema.ts'
import { CallError } from '#shared/errors/call-error.ts'
import { askedClass } from '#shared/http/asked-class.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import type { Link, SidecarCall } from '../call.ts'
import { configOf } from '../config-of.ts'
import { type CountParts, countFor } from '../count.ts'
import { isRoute, linksOf, routeTo, stepsOf } from './chain.ts'
import { type Looked, ruleFor } from './match.ts'
import type { Signals } from './signals.ts'

export interface RouteParts extends CountParts {
  readonly signals: Signals
}

/**
 * Makes the call's chain: the targets of the asked model, by its rules, that speak the caller's
 * dialect and can do what the question needs, in the order in which they are tried. Ends at once,
 * but waits for a count where a rule asks for one. Errors: `model-not-found` with the nearest
 * names, `invalid-field` for a class that there is not, and those of {@link linksOf}.
 */
export function route(parts: RouteParts): Layer<CallRequest, CallResponse, SidecarCall> {
  return (inner) => (request, context) => {
    const config = configOf(context)
    const model = modelOf(config, context.modelAsked)
    // Also where no rule looks at it: the first to know that there is no such class says so.
    askedClass(request, config.classes)
    const begin = (entries: readonly Entry[]) => {
      const ground = { config, entries, request, context, signals: parts.signals }
      takeChain(context, model, linksOf(stepsOf(ground), ground))
      return inner(request, context)
    }
    if (model.rules.length === 0) return begin(model.targets)
    return ruleFor(lookedAt(parts, { model, request, context })).then(begin)
  }
}

/** What the layers below go by. */
export function takeChain(context: SidecarCall, model: Model, chain: readonly Link[]): void {
  context.fallback = model.fallback
  context.chain = chain
  context.route = chain.find(isRoute)
}

/** What the rules of a model look at in one call. */
export function lookedAt(parts: CountParts, seen: Omit<Looked, 'countOf'>): Looked {
  const { context } = seen
  const config = configOf(context)
  const countOf = (target: Target) => countFor(parts, context, routeTo(target, config))
  return { ...seen, countOf }
}

/** The model that applications know as `asked`. Error: `model-not-found`. */
export function modelOf(config: Config, asked: string): Model {
  const model = config.models[asked]
  if (model !== undefined) return model
  const names = Object.keys(config.models)
  const close = nearest(asked, names)
  const state =
    close === undefined ? `there are ${names.slice(0, 10).join(', ')}` : `did you mean '${close}'?`
  const shown = asked.slice(0, 100)
  throw new CallError('model-not-found', `Cannot find model '${shown}': ${state}`, {
    field: 'model',
  })
}
