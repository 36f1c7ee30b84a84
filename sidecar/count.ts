import type { Layer } from '#shared/call/service.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import type { Log } from '#shared/telemetry/access-log.ts'
import { logDefect } from '#shared/telemetry/defect.ts'
import type { Counter, InputCount } from '#shared/tokens/counter.ts'
import type { Route, SidecarCall } from './call.ts'
import { configOf } from './config-of.ts'
import { fits, isWindowed, windowExceeded } from './window.ts'

export interface CountParts {
  readonly counter: Counter
  readonly log: () => Log
}

/**
 * Counts what the question costs by the tokenizer of the model it goes to, and passes over a target
 * whose window is too small for it. Waits at most `count.wait`; then the call goes on with the
 * estimate by bytes, and the count follows in the access line. Ends at the head. Errors:
 * `context-window-exceeded`, and the reason of a cancellation.
 */
export function count(parts: CountParts): Layer<CallRequest, CallResponse, SidecarCall> {
  return (inner) => (request, context) => {
    const { question, route } = context
    // From here on it is the counter's, for as long as that takes: a stream lasts for minutes.
    context.question = undefined
    if (question === undefined || route === undefined) return inner(request, context)
    const untilMs = context.clock.now() + configOf(context).sidecar.count.wait
    const asking = { parts, context, question, untilMs }
    const counted = countFor(asking, route)
    if (counted instanceof Promise) {
      return counted.then((input) => settleRoute(asking, input)).then(() => inner(request, context))
    }
    const settled = settleRoute(asking, counted)
    if (settled === undefined) return inner(request, context)
    return settled.then(() => inner(request, context))
  }
}

interface Asking {
  readonly parts: CountParts
  readonly context: SidecarCall
  readonly question: unknown
  /** Until then the call waits for counts, of all targets together. */
  readonly untilMs: number
}

/**
 * The count for `route`, which becomes the call's. Undefined where there is none in time: a defect
 * of ours is no reason to refuse the call.
 */
function countFor(asking: Asking, route: Route): Awaitable<InputCount | undefined> {
  const { parts, context, question } = asking
  const onDefect = (error: unknown) => logDefect(parts.log(), error, context.id)
  try {
    const counted = parts.counter.count({
      dialect: context.surface?.dialect ?? 'chat',
      model: route.model,
      tokenizer: route.tokenizer,
      body: question,
      isWanted: () => context.cancellation.reason === undefined,
    })
    if (!(counted instanceof Promise)) return keep(context, route, counted)
    const kept = counted.then((input) => keep(context, route, input))
    kept.catch(onDefect)
    return patiently(kept, asking)
  } catch (error) {
    onDefect(error)
    return undefined
  }
}

type Awaitable<Value> = Value | Promise<Value>

/** Also when it comes late: while the call still goes there. */
function keep<Count extends InputCount | undefined>(
  context: SidecarCall,
  route: Route,
  input: Count,
): Count {
  if (input !== undefined && context.route === route) context.input = input
  return input
}

/** Leaves the call where it is, or finds the first target that has room for it. */
function settleRoute(asking: Asking, input: InputCount | undefined): Promise<void> | undefined {
  const { context } = asking
  const { route, surface } = context
  if (input === undefined || route === undefined || !isWindowed(surface)) return undefined
  return fits(route, input) ? undefined : findRoom(asking, { route, input })
}

interface Misfit {
  readonly route: Route
  readonly input: InputCount
}

async function findRoom(asking: Asking, first: Misfit): Promise<void> {
  const { context } = asking
  const misfits = [first]
  for (const route of context.targets.slice(1)) {
    context.route = route
    const input = await countFor(asking, route)
    if (input === undefined || fits(route, input)) return
    misfits.push({ route, input })
  }
  // A guess may pass over a target, and refuses nobody: the provider knows.
  const guessed = misfits.find(({ input }) => input.exactness === 'estimate')
  if (guessed === undefined) throw windowExceeded(misfits)
  context.route = guessed.route
  context.input = guessed.input
}

/** What `counted` gives, or undefined when it has been waited for long enough. */
function patiently(
  counted: Promise<InputCount | undefined>,
  { context, untilMs }: Asking,
): Promise<InputCount | undefined> {
  const { clock, cancellation } = context
  return new Promise((resolve, reject) => {
    const undoWait = clock.after(Math.max(0, untilMs - clock.now()), () => resolve(undefined))
    const undoCancel = cancellation.onCancel(reject)
    const settle = (input: InputCount | undefined) => {
      undoWait()
      undoCancel()
      resolve(input)
    }
    counted.then(settle, () => settle(undefined))
  })
}
