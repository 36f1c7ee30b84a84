import type { Clock } from '#shared/call/clock.ts'
import type { Layer, Service } from '#shared/call/service.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { notOffered } from '#shared/passthrough/not-offered.ts'
import type { Link, Route, SidecarCall } from '../call.ts'
import { configOf } from '../config-of.ts'
import type { Signal, Signals } from '../route/signals.ts'
import { learn } from './learn.ts'
import { type Failure, failureOf, failureOfError, type PassedReason } from './reason.ts'

export interface FallbackParts {
  readonly signals: Signals
  /** A target was passed over. */
  readonly onFallback: (route: Route, reason: string, context: SidecarCall) => void
}

/**
 * Tries the targets of the call's chain in order until one answers. A target that cannot take the
 * question, is not there or is at its limit hands the call on, while the chain's time lasts and the
 * ceiling of attempts is not reached; the last one has the rest of the call's time. Ends at the head,
 * which is the commit: nothing is tried again behind it. Errors: those of the last target,
 * `refused-by-chain`.
 */
export function fallback(parts: FallbackParts): Layer<CallRequest, CallResponse, SidecarCall> {
  return (inner) => (request, context) => {
    const { chain } = context
    const [only] = chain
    // What is only counted goes to the first target; nothing else is worth a second try.
    const isOne = chain.length === 1 || context.surface?.wants === 'count'
    if (isOne && only !== undefined && 'provider' in only) {
      return turnTo(only, { parts, inner, request, context })
    }
    return follow({ parts, inner, request, context })
  }
}

interface Following {
  readonly parts: FallbackParts
  readonly inner: Service<CallRequest, CallResponse, SidecarCall>
  readonly request: CallRequest
  readonly context: SidecarCall
}

/** How one target ended its turn. */
type Outcome = Ended & {
  /** Undefined where the answer, or the refusal, is the caller's. */
  readonly failure: Failure | undefined
}

type Ended =
  | { readonly answer: CallResponse; readonly error: undefined }
  | { readonly answer: undefined; readonly error: CallError }

async function follow(following: Following): Promise<CallResponse> {
  const { context } = following
  // From here: how long the question took to come is the caller's own time.
  const untilMs = context.clock.now() + context.fallback.within
  const links: Link[] = [...context.chain]
  const guessed = new Set<Link>()
  let largest: CallError | undefined
  for (let link = links.shift(); link !== undefined; link = links.shift()) {
    if ('refuse' in link) {
      throw new CallError('refused-by-chain', `Cannot answer: ${link.refuse}`)
    }
    const isLast = links.length === 0
    context.isLastLink = isLast
    // Nobody is asked who said to stay away, while another may serve.
    if (isAway(link, links, following)) {
      passOver(link, 'unavailable', following)
      continue
    }
    context.mayGuess = !isLast && !guessed.has(link)
    const shareMs = isLast ? undefined : shareOf(untilMs - context.clock.now(), links)
    context.turnMs = turnOf(context, shareMs)
    context.patienceMs = patienceOf(link, shareMs, following)
    context.attemptsUntil = attemptsUntil(context, links)
    if (guessed.has(link)) forget(link, context)
    const outcome = await outcomeOf(link, following)
    const { answer, error, failure } = outcome
    if (error !== undefined && isUnsent(error)) largest = larger(largest, error)
    const goesOn = failure !== undefined && !isLast && isReason(context, outcome)
    if (!goesOn || !hasNext(links, { context, outcome, untilMs })) {
      return give(outcome, context, largest)
    }
    answer?.body.cancel()
    // Nothing is known for sure: the target is asked where no other one serves.
    if (error?.facts['isGuess'] === true) postpone(link, links, guessed)
    passOver(link, failure.reason, following)
  }
  throw new CallError('internal', 'Cannot answer: the chain of targets is empty')
}

/** Whether the target is passed over unasked, for one behind it. */
function isAway(route: Route, behind: readonly Link[], { context, parts }: Following): boolean {
  if (!context.fallback.on.includes('unavailable')) return false
  if (!behind.some((link) => 'provider' in link)) return false
  return parts.signals.of(route).outage.turnsAway(context.clock)
}

function passOver(route: Route, reason: PassedReason, { context, parts }: Following): void {
  if (context.passedOver.length < toldMax) context.passedOver.push(passed(route, reason))
  parts.onFallback(route, reason, context)
}

function postpone(link: Link, links: Link[], guessed: Set<Link>): void {
  guessed.add(link)
  const end = links.findIndex((other) => 'refuse' in other)
  links.splice(end < 0 ? links.length : end, 0, link)
}

/** They stand in a header, of which clients read 16 KiB or less. */
const toldMax = 16

function passed({ provider, model }: Route, reason: PassedReason): string {
  return `${provider}/${model}=${reason}`
}

/** It was passed over for a guess, and has its turn after all. */
function forget(route: Route, { passedOver }: SidecarCall): void {
  const at = passedOver.indexOf(passed(route, 'context-window'))
  if (at >= 0) passedOver.splice(at, 1)
}

/** Of two refusals for their window that with the larger one: it says what would have to fit. */
function larger(one: CallError | undefined, other: CallError): CallError {
  const windowOf = (error: CallError) => Number(error.facts['contextWindow'])
  return one !== undefined && windowOf(one) > windowOf(other) ? one : other
}

async function outcomeOf(route: Route, following: Following): Promise<Outcome> {
  const { context, parts } = following
  const { clock, cancellation } = context
  const signal = parts.signals.of(route)
  const sentMs = clock.now()
  try {
    const answer = await turnTo(route, following)
    const failure = failureOf(answer, context.replay)
    learn(signal.outage, { answer, error: undefined, failure }, clock)
    if (failure !== undefined) penalize(signal, failure, clock)
    // What an ambassador refuses in a moment says nothing of its model.
    else if (context.isStream && answer.status < 400) {
      signal.observe(clock.now() - sentMs, clock.now())
    }
    return { answer, error: undefined, failure }
  } catch (error) {
    if (cancellation.reason !== undefined) signal.waited(clock.now() - sentMs, clock.now())
    if (!(error instanceof CallError) || cancellation.reason !== undefined) throw error
    const failure = failureOfError(error)
    learn(signal.outage, { answer: undefined, error, failure }, clock)
    if (failure !== undefined) penalize(signal, failure, clock)
    // Its ambassador could not tell: it may have used up its turn.
    if (failure?.replay === 'unknown') context.providerAttempts = context.attemptsUntil
    return { answer: undefined, error, failure }
  }
}

/** What was the question's own matter says nothing of the target. */
const ofQuestion: ReadonlySet<PassedReason> = new Set([
  'context-window',
  'content-filter',
  notOffered,
])

function penalize(signal: Signal, { reason }: Failure, clock: Clock): void {
  if (!ofQuestion.has(reason)) signal.fail(clock.now())
}

/** Sends the call to one target. */
function turnTo(route: Route, { inner, parts, request, context }: Following) {
  // What was counted for another tokenizer is a guess here, until it has been counted anew.
  if (context.route !== route) context.input = { ...context.input, exactness: 'estimate' }
  context.route = route
  const signal = parts.signals.of(route)
  signal.inFlight++
  let isCounted = true
  if (context.endTurn !== undefined) endTurn(context)
  context.endTurn = () => {
    if (isCounted) signal.inFlight--
    isCounted = false
  }
  context.atEnd.push(context.endTurn)
  return inner(request, context)
}

function endTurn(context: SidecarCall): void {
  context.endTurn?.()
  // Of the answer that was passed over.
  context.headMs = undefined
  context.replay = undefined
}

/**
 * The time a target has for queueing and trying: an equal share of what is left of the chain's.
 * Where nothing is left, nobody behind it will be asked: it has until the deadline, as the last one.
 */
function shareOf(leftMs: number, behind: readonly Link[]): number | undefined {
  const others = behind.filter((link) => 'provider' in link).length
  return leftMs <= 0 ? undefined : leftMs / (others + 1)
}

/**
 * How long the target has to begin its answer. Of one that is not streamed the head comes with its
 * end, which may take minutes: that is bounded only where the configuration says by what.
 */
function turnOf(
  { fallback: rules, isStream }: SidecarCall,
  shareMs: number | undefined,
): number | undefined {
  // To give up a target that nobody will stand in for helps nobody.
  if (shareMs === undefined || !rules.on.includes('timeout') || rules.unknown === 'leave') {
    return undefined
  }
  return isStream ? shareMs : rules.whole
}

/**
 * How long of its turn the target may let the call wait. A stream that is let go at the end of its
 * turn would be given up right then, with its question paid: so it leaves twice the time in which the
 * target's streams have begun of late, and half of the turn at most.
 */
function patienceOf(
  route: Route,
  shareMs: number | undefined,
  { context, parts }: Following,
): number | undefined {
  if (shareMs === undefined || context.turnMs === undefined || !context.isStream) return shareMs
  const latencyMs = parts.signals.seen(route).latencyMs(context.clock.now())
  return shareMs - Math.min(shareMs / 2, latencyMs === 0 ? shareMs / 2 : latencyMs * 2)
}

/** Each target has an equal share of the tries that are left, at least one; the last has all. */
function attemptsUntil(context: SidecarCall, behind: readonly Link[]): number {
  const { attemptsMax } = configOf(context).sidecar
  const made = context.providerAttempts
  const others = behind.filter((link) => 'provider' in link).length
  return made + Math.max(1, Math.ceil((attemptsMax - made) / (others + 1)))
}

/** Whether the outcome is one for which the next link is asked. */
function isReason({ fallback: rules }: SidecarCall, { error, failure }: Outcome): boolean {
  if (failure === undefined) return false
  const { reason, replay } = failure
  if (isUnsent(error) || reason === notOffered) return true
  if (!rules.on.includes(reason)) return false
  // Another model may take what this one never will.
  if (reason === 'context-window' || reason === 'content-filter') return true
  return replay === 'safe' || (replay === 'unknown' && rules.unknown === 'next')
}

/** Passed over before anything was sent. */
function isUnsent(error: CallError | undefined): boolean {
  return error?.code === 'context-window-exceeded'
}

interface Leaving {
  readonly context: SidecarCall
  readonly outcome: Outcome
  readonly untilMs: number
}

/** Where time or tries are used up, a refusal is all that may follow: it takes neither. */
function hasNext(links: Link[], { context, outcome, untilMs }: Leaving): boolean {
  const { clock, providerAttempts } = context
  const isInTime = clock.now() < untilMs
  const mayTry = isInTime && providerAttempts < configOf(context).sidecar.attemptsMax
  if (mayTry || isUnsent(outcome.error)) return true
  const end = links.findIndex((link) => 'refuse' in link)
  links.splice(0, end < 0 ? links.length : end)
  return links.length > 0
}

function give(
  { answer, error }: Outcome,
  context: SidecarCall,
  largest: CallError | undefined,
): CallResponse {
  if (answer === undefined) {
    throw isUnsent(error) ? (largest ?? error) : error
  }
  // Nobody else will count it, and a stream lasts for minutes.
  context.question = undefined
  if (context.passedOver.length > 0) {
    answer.headers.push('x-outrigger-passed-over', context.passedOver.join(', '))
    // The whole chain has been tried: the SDK need not.
    if (answer.status >= 400) forbidRetry(answer.headers)
  }
  return answer
}

/** Once only: the SDKs do not understand `true, false`, nor `false, false`. */
function forbidRetry(headers: string[]): void {
  for (let at = headers.length - 2; at >= 0; at -= 2) {
    if (headers[at] === 'x-should-retry') headers.splice(at, 2)
  }
  headers.push('x-should-retry', 'false')
}
