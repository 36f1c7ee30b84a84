import type { Config, Entry, Target } from '#shared/config/schema.ts'
import type { Capability } from '#shared/config/target-schema.ts'
import type { Dialect } from '#shared/dialects/surfaces.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest } from '#shared/http/call.ts'
import { header } from '#shared/http/headers.ts'
import type { Link, Route, SidecarCall } from '../call.ts'
import { missing, needsOf } from './needs.ts'
import { ordered } from './order.ts'
import type { Signals } from './signals.ts'

/** What a chain is made from. */
export interface Ground {
  readonly config: Config
  readonly entries: readonly Entry[]
  readonly request: CallRequest
  readonly context: SidecarCall
  readonly signals: Signals
}

/** One step of a chain as it was decided. */
export interface Step {
  readonly entry: Entry
  /** In the order in which they are tried; none of a refusal. */
  readonly targets: readonly Target[]
  readonly leftOut: readonly LeftOut[]
}

/** A target that this call never goes to. */
export interface LeftOut {
  readonly target: Target
  readonly why: Why
}

type Why =
  | { readonly reason: 'weight' }
  | { readonly reason: 'dialect'; readonly speaks: readonly Dialect[] }
  | { readonly reason: 'capability'; readonly lacks: readonly Capability[] }

/** Decides for each step who may take the call, and in which order. Draws lots; changes nothing. */
export function stepsOf(ground: Ground): readonly Step[] {
  const { entries, request, context, signals } = ground
  const needs = needsOf({ body: request.body, values: context.members }, entries)
  const session = header(request.headers, 'x-outrigger-session')
  const order = { signals, clock: context.clock, session }
  return entries.map((entry) => {
    if (entry.choose === 'refuse') return { entry, targets: [], leftOut: [] }
    const leftOut: LeftOut[] = []
    const able = entry.targets.filter((target) => {
      const why = whyNot(target, entry, { ground, needs })
      if (why !== undefined) leftOut.push({ target, why })
      return why === undefined
    })
    return { entry, targets: ordered({ ...entry, targets: able }, order), leftOut }
  })
}

interface Wanted {
  readonly ground: Ground
  readonly needs: ReadonlySet<Capability>
}

function whyNot(target: Target, { choose }: Entry, { ground, needs }: Wanted): Why | undefined {
  if (choose === 'split' && target.weight === 0) return { reason: 'weight' }
  const { config, context } = ground
  const speaks = config.ambassadors[target.provider]?.dialects ?? []
  const { dialect, wants } = context.surface ?? {}
  // What passes as it is has no dialect; whether a provider has its path, its ambassador knows.
  if (wants !== 'pass' && !speaks.some((name) => name === dialect)) {
    return { reason: 'dialect', speaks }
  }
  if (needs.size === 0) return undefined
  const lacks = missing(needs, target)
  return lacks.length === 0 ? undefined : { reason: 'capability', lacks }
}

/**
 * The chain of `steps`; not empty. Errors, where no target may take the call: `dialect-not-spoken`,
 * `capability-missing`, and `refused-by-chain` where all have weight 0.
 */
export function linksOf(steps: readonly Step[], ground: Ground): readonly Link[] {
  const { config } = ground
  const links: Link[] = []
  // No flatMap, which would be half of what a call costs here.
  for (const { entry, targets } of steps) {
    if (entry.choose === 'refuse') links.push({ refuse: entry.words })
    else for (const target of targets) links.push(routeTo(target, config))
  }
  if (links.some(isRoute)) return links
  const leftOut = steps.flatMap((step) => step.leftOut)
  // A rule may do nothing but refuse.
  if (links.length > 0 && leftOut.every(({ why }) => why.reason === 'weight')) return links
  // What is only counted needs nobody who would answer it.
  if (ground.context.surface?.wants === 'count') {
    return leftOut.map(({ target }) => routeTo(target, config))
  }
  throw nobody(leftOut, ground.context)
}

export function isRoute(link: Link): link is Route {
  return 'provider' in link
}

/** Where a call to `target` goes. */
export function routeTo(target: Target, config: Config): Route {
  const { provider, model, contextWindow, tokenizer, outputMax } = target
  const addresses = config.ambassadors[provider]?.address ?? []
  return { provider, model, addresses, contextWindow, tokenizer, outputMax }
}

/** Of those who could be asked in this dialect the caller is told first. */
function nobody(leftOut: readonly LeftOut[], context: SidecarCall): CallError {
  const whys = leftOut.map(({ why }) => why)
  const asked = `Cannot serve model '${context.modelAsked}' here`
  const lacks = whys.flatMap((why) => (why.reason === 'capability' ? why.lacks : []))
  if (lacks.length > 0) {
    const names = [...new Set(lacks)].join(', ')
    const message = `${asked}: no target has ${names}`
    return new CallError('capability-missing', message, { field: 'model' })
  }
  const spoken = whys.flatMap((why) => (why.reason === 'dialect' ? why.speaks : []))
  if (spoken.length > 0) {
    const names = [...new Set(spoken)].join(', ')
    const message = `${asked}: its providers speak ${names}, not ${context.surface?.dialect}`
    return new CallError('dialect-not-spoken', message, { field: 'model' })
  }
  return new CallError('refused-by-chain', `${asked}: all its targets have weight 0`)
}
