import type { Layer } from '#shared/call/service.ts'
import { nearest } from '#shared/config/nearest.ts'
import type { Config, Entry, Model, Target } from '#shared/config/schema.ts'
import type { Surface } from '#shared/dialects/surfaces.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { header } from '#shared/http/headers.ts'
import type { Link, Route, SidecarCall } from '../call.ts'
import { configOf } from '../config-of.ts'
import { type CountParts, countFor } from '../count.ts'
import { ruleFor } from './match.ts'
import { missing, needsOf } from './needs.ts'
import { ordered } from './order.ts'
import type { Signals } from './signals.ts'

export interface RouteParts extends CountParts {
  readonly signals: Signals
}

/**
 * Makes the call's chain: the targets of the asked model, by its rules, that speak the caller's
 * dialect and can do what the question needs, in the order in which they are tried. Ends at once,
 * but waits for a count where a rule asks for one. Errors: `model-not-found` with the nearest names,
 * `dialect-not-spoken`, `capability-missing`.
 */
export function route(parts: RouteParts): Layer<CallRequest, CallResponse, SidecarCall> {
  return (inner) => (request, context) => {
    const config = configOf(context)
    const model = config.models[context.modelAsked]
    if (model === undefined) throw unknownModel(config, context.modelAsked)
    const begin = (entries: readonly Entry[]) => {
      context.fallback = model.fallback
      context.chain = chainOf({ entries, model, config }, request, { context, parts })
      context.route = context.chain.find(isRoute)
      return inner(request, context)
    }
    if (model.rules.length === 0) return begin(model.targets)
    const countOf = (target: Target) => countFor(parts, context, routeTo(target, config))
    return ruleFor(model, { request, context, countOf }).then(begin)
  }
}

interface Given {
  readonly entries: readonly Entry[]
  readonly model: Model
  readonly config: Config
}

interface Around {
  readonly context: SidecarCall
  readonly parts: RouteParts
}

function chainOf(
  { entries, model, config }: Given,
  request: CallRequest,
  { context, parts }: Around,
): readonly Link[] {
  const { surface, clock } = context
  const speaks = (target: Target) => speaksDialect(config, target, surface)
  const hasSpeaker = entries.some(
    (entry) => entry.choose !== 'refuse' && entry.targets.some(speaks),
  )
  // What is only counted needs nobody who would answer it.
  if (!hasSpeaker && surface?.wants !== 'count') throw notSpoken(config, model, context)
  const mayTake = (target: Target) => !hasSpeaker || speaks(target)
  const session = header(request.headers, 'x-outrigger-session')
  const order = { signals: parts.signals, clock, session }
  const needs = needsOf(request.body, entries)
  const lacking = new Set<string>()
  const chain = entries.flatMap((entry): Link[] => {
    if (entry.choose === 'refuse') return [{ refuse: entry.words }]
    const able = entry.targets.filter((target) => {
      const lack = missing(needs, target)
      for (const name of lack) lacking.add(name)
      return lack.length === 0 && mayTake(target)
    })
    return ordered({ ...entry, targets: able }, order).map((target) => routeTo(target, config))
  })
  if (chain.length > 0) return chain
  throw new CallError(
    'capability-missing',
    `Cannot serve model '${context.modelAsked}' here: no target has ${[...lacking].join(', ')}`,
    { field: 'model' },
  )
}

function isRoute(link: Link): link is Route {
  return 'provider' in link
}

function speaksDialect(
  { providers }: Config,
  { provider }: Target,
  surface: Surface | undefined,
): boolean {
  const dialects = providers[provider]?.dialects ?? []
  return dialects.some((name) => name === surface?.dialect)
}

function routeTo(target: Target, config: Config): Route {
  const { provider, model, contextWindow, tokenizer, outputMax } = target
  const addresses = config.providers[provider]?.address ?? []
  return { provider, model, addresses, contextWindow, tokenizer, outputMax }
}

function notSpoken(config: Config, { targets }: Model, context: SidecarCall): CallError {
  const spoken = targets.flatMap((entry) =>
    entry.choose === 'refuse'
      ? []
      : entry.targets.flatMap(({ provider }) => config.providers[provider]?.dialects ?? []),
  )
  return new CallError(
    'dialect-not-spoken',
    `Cannot serve model '${context.modelAsked}' here: its providers speak ` +
      `${[...new Set(spoken)].join(', ')}, not ${context.surface?.dialect}`,
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
