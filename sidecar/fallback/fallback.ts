import type { Layer, Service } from '#shared/call/service.ts'
import { CallError } from '#shared/errors/call-error.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import type { Link, Route, SidecarCall } from '../call.ts'
import { configOf } from '../config-of.ts'
import type { Signals } from '../route/signals.ts'
import { capOutput } from './cap-output.ts'
import { type Failure, failureOf, failureOfError } from './reason.ts'

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
interface Outcome {
  readonly answer: CallResponse | undefined
  readonly error: CallError | undefined
  /** Undefined where the answer, or the refusal, is the caller's. */
  readonly failure: Failure | undefined
}

async function follow(following: Following): Promise<CallResponse> {
  const { context, parts } = following
  const links: Link[] = [...context.chain]
  const guessed = new Set<Link>()
  let largest: CallError | undefined
  for (let link = links.shift(); link !== undefined; link = links.shift()) {
    if ('refuse' in link) {
      throw new CallError('refused-by-chain', `Cannot answer: ${link.refuse}`)
    }
    const isLast = links.length === 0
    context.isLastLink = isLast
    context.mayGuess = !isLast && !guessed.has(link)
    context.patienceMs = isLast ? undefined : shareOf(context, links.length + 1)
    const outcome = await outcomeOf(link, following)
    const { answer, error, failure } = outcome
    if (error?.code === 'context-window-exceeded') largest = larger(largest, error)
    if (failure === undefined || isLast || !mayGoOn(context, outcome)) {
      return give(outcome, context, largest)
    }
    answer?.body.cancel()
    // Nothing is known for sure: the target is asked where no other one serves.
    if (error?.facts['isGuess'] === true) postpone(link, links, guessed)
    context.passedOver.push(`${link.provider}/${link.model}=${failure.reason}`)
    parts.onFallback(link, failure.reason, context)
  }
  throw new CallError('internal', 'Cannot answer: the chain of targets is empty')
}

function postpone(link: Link, links: Link[], guessed: Set<Link>): void {
  guessed.add(link)
  const end = links.findIndex((other) => 'refuse' in other)
  links.splice(end < 0 ? links.length : end, 0, link)
}

/** Of two refusals for their window that with the larger one: it says what would have to fit. */
function larger(one: CallError | undefined, other: CallError): CallError {
  const windowOf = (error: CallError) => Number(error.facts['contextWindow'])
  return one !== undefined && windowOf(one) > windowOf(other) ? one : other
}

async function outcomeOf(route: Route, following: Following): Promise<Outcome> {
  const { context, parts } = following
  const { clock } = context
  const signal = parts.signals.of(route)
  const sentMs = clock.now()
  try {
    const answer = await turnTo(route, following)
    const failure = failureOf(answer)
    if (failure !== undefined) signal.fail(clock.now())
    else if (context.isStream) signal.observe(clock.now() - sentMs, clock.now())
    return { answer, error: undefined, failure }
  } catch (error) {
    if (!(error instanceof CallError) || context.cancellation.reason !== undefined) throw error
    const failure = failureOfError(error)
    if (failure !== undefined && failure.reason !== 'context-window') signal.fail(clock.now())
    return { answer: undefined, error, failure }
  }
}

/** Sends the call to one target. */
function turnTo(route: Route, { inner, parts, request, context }: Following) {
  // What was counted for another tokenizer is a guess here, until it has been counted anew.
  if (context.route !== route) context.input = { ...context.input, exactness: 'estimate' }
  context.route = route
  const signal = parts.signals.of(route)
  signal.inFlight++
  let isCounted = true
  context.endTurn?.()
  context.endTurn = () => {
    if (isCounted) signal.inFlight--
    isCounted = false
  }
  context.atEnd.push(context.endTurn)
  const { outputMax } = route
  return inner(outputMax === undefined ? request : capOutput(request, context, outputMax), context)
}

/** The time a target has for queueing and trying: an equal share of what is left of the chain's. */
function shareOf({ clock, startedMs, fallback }: SidecarCall, targetsLeft: number): number {
  return Math.max(0, startedMs + fallback.within - clock.now()) / targetsLeft
}

function mayGoOn(context: SidecarCall, { error, failure }: Outcome): boolean {
  const { clock, startedMs, fallback: rules, providerAttempts } = context
  if (failure === undefined) return false
  // Nothing has been sent.
  if (error?.code === 'context-window-exceeded') return true
  if (!rules.on.includes(failure.reason)) return false
  const { reason, replay } = failure
  // Another model may take what this one never will.
  const isOfModel = reason === 'context-window' || reason === 'content-filter'
  if (replay === 'never' && !isOfModel) return false
  if (replay === 'unknown' && rules.unknown === 'leave' && !isOfModel) return false
  const isInTime = clock.now() < startedMs + rules.within
  return isInTime && providerAttempts < configOf(context).sidecar.attemptsMax
}

function give(
  { answer, error }: Outcome,
  context: SidecarCall,
  largest: CallError | undefined,
): CallResponse {
  if (answer === undefined) {
    throw error?.code === 'context-window-exceeded' ? (largest ?? error) : error
  }
  if (context.passedOver.length > 0) {
    answer.headers.push('x-outrigger-passed-over', context.passedOver.join(', '))
    // The whole chain has been tried: the SDK need not.
    if (answer.status >= 400) answer.headers.push('x-should-retry', 'false')
  }
  return answer
}
