import type { AmbassadorCall } from '../call.ts'
import type { Want } from '../quota/want.ts'

/** What the ambassador knows of a call beyond the call itself. */
export interface WantFacts {
  readonly excluded: readonly string[]
  /** Credentials that the call's own configuration knows. */
  readonly among: Want['among']
  /** Tokens that the provider's prompt cache is believed to hold for its session. */
  readonly cachedTokens: number
  /** What a quick answer of its model takes: with less before its deadline a call is sent in vain. */
  readonly answerMs: number
}

/** The session's name among those of all tenants; undefined where the call has none. */
export function sessionOf({ session, tenant }: AmbassadorCall): string | undefined {
  return session === undefined ? undefined : `${tenant} ${session}`
}

/** The call as the quota sees it. */
export function wantOf(context: AmbassadorCall, { answerMs, ...facts }: WantFacts): Want {
  const { tenant, class: of, model, inputEstimate, clock, cancellation } = context
  const untilMs = Math.min(context.patienceUntilMs, context.deadlineMs - answerMs)
  return {
    tenant,
    weight: context.snapshot?.config.tenants[tenant]?.weight ?? 1,
    class: of,
    model,
    inputTokens: inputEstimate,
    outputTokensMax: context.outputMax,
    session: sessionOf(context),
    patienceMs: Math.max(0, untilMs - clock.now()),
    cancellation,
    ...facts,
  }
}
