import type { Entry, Model } from '#shared/config/schema.ts'
import { capabilityNames } from '#shared/config/target-schema.ts'
import { surfaceOf } from '#shared/dialects/surfaces.ts'
import { CallError, toCallError } from '#shared/errors/call-error.ts'
import { bytesBody } from '#shared/http/body.ts'
import type { CallRequest, CallResponse } from '#shared/http/call.ts'
import { jsonPage, type PostPage } from '#shared/lifecycle/admin-server.ts'
import { logDefect } from '#shared/telemetry/defect.ts'
import type { Route, SidecarCall } from '../call.ts'
import { configOf } from '../config-of.ts'
import { count } from '../count.ts'
import { fallback } from '../fallback/fallback.ts'
import { identify } from '../identify.ts'
import { isRoute, linksOf, type Step, stepsOf } from './chain.ts'
import { placesOf } from './explain-places.ts'
import { askedIn } from './explain-question.ts'
import { classOf, misfitOf } from './match.ts'
import { usedBy } from './needs.ts'
import { lookedAt, modelOf, type RouteParts, takeChain } from './route.ts'

export interface ExplainParts extends RouteParts {
  /** A call that is not made, under the configuration in force. */
  readonly newCall: () => SidecarCall
}

/**
 * Tells of a question which targets would be tried in which order, and why. It goes the way of a
 * call through the layers themselves, as far as the forwarding: nobody is called, and no signal
 * changes. Counting may load a tokenizer. A call that would be refused is told so under `refused`.
 */
export function explain(parts: ExplainParts): PostPage {
  return {
    async post(posted) {
      const asked = askedIn(posted)
      if ('mistake' in asked) return jsonPage({ error: asked.mistake }, 400)
      const context = parts.newCall()
      context.surface = surfaceOf(asked.request.path)
      const told: Record<string, unknown> = {}
      try {
        await tell({ parts, request: asked.request, context, told })
      } catch (thrown) {
        const { code, message, row, cause } = toCallError(thrown)
        if (cause !== undefined) logDefect(parts.log(), cause, context.id)
        told['refused'] = { code, status: row.status, message }
      }
      return jsonPage(told)
    },
  }
}

interface Telling {
  readonly parts: ExplainParts
  readonly request: CallRequest
  readonly context: SidecarCall
  /** Filled piece by piece, so that a refusal stands behind what was found before it. */
  readonly told: Record<string, unknown>
}

async function tell(telling: Telling): Promise<void> {
  const { parts, request, context, told } = telling
  const config = configOf(context)
  await identify()(() => Promise.resolve(unserved('')))(request, context)
  told['model'] = context.modelAsked
  told['dialect'] = context.surface?.dialect
  told['stream'] = context.isStream
  told['class'] = classOf(request, config)
  const model = modelOf(config, context.modelAsked)
  const entries = await tellRules(telling, model)
  told['needs'] = [...usedBy({ body: request.body, values: context.members }, capabilityNames)]
  const { on, within: withinMs, unknown } = model.fallback
  told['fallback'] = { on, withinMs, unknown, attemptsMax: config.sidecar.attemptsMax }
  const ground = { config, entries, request, context, signals: parts.signals }
  const steps = stepsOf(ground)
  told['steps'] = steps.map((step, at) => ({ step: at, ...placesOf(step, ground) }))
  takeChain(context, model, linksOf(steps, ground))
  await tellOrder(telling, stepNumbers(context, steps))
}

/** Which rule fits, and of those before it why they do not; those behind it are not looked at. */
async function tellRules(telling: Telling, model: Model): Promise<readonly Entry[]> {
  const { parts, request, context, told } = telling
  const looked = lookedAt(parts, { model, request, context })
  const rules: object[] = []
  told['rules'] = rules
  for (const [at, rule] of model.rules.entries()) {
    const because = await misfitOf(rule, looked)
    rules.push({ rule: at, fits: because === undefined, because })
    if (because === undefined) return rule.targets
  }
  return model.targets
}

type StepNumbers = ReadonlyMap<Route, number>

function stepNumbers({ chain }: SidecarCall, steps: readonly Step[]): StepNumbers {
  const numbers = steps.flatMap(({ targets }, at) => targets.map(() => at))
  return new Map(chain.filter(isRoute).map((route, at) => [route, numbers[at] ?? 0]))
}

/**
 * The layers `fallback` and `count` themselves, above a service that serves nobody: so each target
 * has its turn, as far as the settings of the model go.
 */
async function tellOrder({ parts, request, context, told }: Telling, numbers: StepNumbers) {
  const { chain } = context
  const order: object[] = []
  const turns = new Set<Route>()
  told['order'] = order
  let asked: Route | undefined
  const tellTurn = (route: Route, verdict: string, patienceMs?: number | string) => {
    turns.add(route)
    const { provider, model, contextWindow, outputMax } = route
    const { input: counted } = context
    const step = numbers.get(route)
    order.push({ provider, model, step, verdict, counted, contextWindow, outputMax, patienceMs })
  }
  const awayFor = ({ provider, model }: Route): string => {
    const { untilMs } = parts.signals.of({ provider, model }).outage
    const leftMs = Math.ceil(untilMs - context.clock.now())
    return `passed over: it is known not to serve for another ${leftMs} ms`
  }
  const serveNobody = (): Promise<CallResponse> => {
    asked = context.route
    const { patienceMs } = context
    const waits = patienceMs === undefined ? 'until the deadline' : Math.floor(patienceMs)
    if (asked !== undefined) tellTurn(asked, 'asked', waits)
    context.replay = 'safe'
    return Promise.resolve(unserved(context.fallback.on[0] ?? ''))
  }
  const follow = fallback({
    signals: parts.signals.withOutages(),
    onFallback(route, reason) {
      if (route !== asked) tellTurn(route, reason === 'unavailable' ? awayFor(route) : tooLong)
    },
  })
  try {
    await follow(count(parts)(serveNobody))(request, context)
  } catch (error) {
    const code = error instanceof CallError ? error.code : undefined
    const { route } = context
    // The last one, behind which nobody is told of.
    if (code === 'context-window-exceeded' && route !== undefined) tellTurn(route, tooLong)
    const refusal = chain.find((link) => 'refuse' in link)
    if (code !== 'refused-by-chain' || refusal === undefined) throw error
    order.push(refusal)
  } finally {
    told['notTried'] = chain.flatMap((link) =>
      isRoute(link) && !turns.has(link) ? [nameOf(link)] : [],
    )
  }
}

const tooLong = 'passed over: the question is too long for its window'

function nameOf({ provider, model }: Route): object {
  return { provider, model }
}

/** An answer that sends the call on for `reason`. */
function unserved(reason: string): CallResponse {
  return { status: 503, headers: ['x-outrigger-reason', reason], body: bytesBody(Buffer.alloc(0)) }
}
