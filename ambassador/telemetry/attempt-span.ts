import type { Provider } from '#shared/config/schema.ts'
import { operationOf } from '#shared/dialects/surfaces.ts'
import { genAi, spanName } from '#shared/telemetry/gen-ai.ts'
import type { Attributes, Tracer } from '#shared/telemetry/tracing.ts'
import type { AmbassadorCall } from '../call.ts'
import { profileOf } from '../providers/profile.ts'

/** What is told of one attempt. */
export interface AttemptSpan {
  /** The provider has answered with `status`. */
  head(status: number): void
  /** `result` is `ok`, `dropped` by who read the answer, or the code of an error. */
  end(result: string): void
}

interface Attempted {
  readonly context: AmbassadorCall
  readonly provider: Provider
  readonly origin: string
}

const noAttempt: AttemptSpan = { head() {}, end() {} }

/**
 * Costs nothing where the call itself is not traced, since an attempt is never the root of a tree, and
 * two instants where only its failure would be.
 */
export function attemptSpan(tracer: () => Tracer, attempted: Attempted): AttemptSpan {
  const { span } = attempted.context
  if (span?.isRecording === true) return recordedAttempt(tracer(), attempted)
  return span?.isDeferred === true ? deferredAttempt(attempted) : noAttempt
}

function recordedAttempt(tracer: Tracer, attempted: Attempted): AttemptSpan {
  const { context } = attempted
  const span = tracer.start(nameOf(context), {
    parent: context.span?.context(),
    kind: 'client',
    attributes: attributesOf(attempted),
  })
  return {
    // Whatever the body does, a provider that says no has failed the attempt.
    head(status) {
      span.set(genAi.httpResponseStatusCode, status)
      if (status >= 400) span.fail(String(status))
    },
    end(result) {
      const errorType = errorTypeOf(context, result)
      // A caller that left is no failure of the provider.
      if (errorType === 'client-left') span.set(genAi.errorType, errorType)
      else if (errorType !== 'ok') span.fail(errorType)
      span.end()
    },
  }
}

function deferredAttempt(attempted: Attempted): AttemptSpan {
  const { context } = attempted
  const { clock } = context
  const startTimeWallMs = clock.wall()
  let refusal: number | undefined
  return {
    head(status) {
      if (status >= 400) refusal = status
    },
    end(result) {
      const errorType = result === 'ok' ? String(refusal ?? 'ok') : errorTypeOf(context, result)
      if (errorType === 'ok' || errorType === 'client-left') return
      const attributes = { ...attributesOf(attempted), [genAi.httpResponseStatusCode]: refusal }
      context.span?.remember({
        name: nameOf(context),
        kind: 'client',
        attributes,
        startTimeWallMs,
        endTimeWallMs: clock.wall(),
        errorType,
      })
    },
  }
}

function nameOf({ surface, model }: AmbassadorCall): string {
  return spanName(operationOf(surface), model)
}

function attributesOf({ context, provider, origin }: Attempted): Attributes {
  const { hostname, port, protocol } = new URL(origin)
  return {
    [genAi.operationName]: operationOf(context.surface),
    [genAi.providerName]: profileOf(provider).telemetryName,
    [genAi.requestModel]: context.model,
    [genAi.requestStream]: context.isStream,
    [genAi.serverAddress]: hostname,
    [genAi.serverPort]: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
    [genAi.attempt]: context.attempts,
    [genAi.replica]: context.replica,
  }
}

function errorTypeOf({ cancellation, error }: AmbassadorCall, result: string): string {
  const reason = result === 'dropped' ? (cancellation.reason ?? error)?.code : undefined
  return reason ?? result
}
