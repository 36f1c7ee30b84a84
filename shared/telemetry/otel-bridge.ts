import {
  createTraceState,
  type Tracer as OtelTracer,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api'
import { genAi } from './gen-ai.ts'
import type {
  Attributes,
  AttributeValue,
  CallSpan,
  SpanOptions,
  TraceParent,
  Tracer,
} from './tracing.ts'

const kinds: Readonly<Record<SpanOptions['kind'], SpanKind>> = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  internal: SpanKind.INTERNAL,
}

/** Contexts made in this process: a collector tells a parent here from one across the wire. */
const local = new WeakSet<TraceParent>()

/** An OpenTelemetry tracer in our words. Parents are passed, never taken from the surroundings. */
export function bridgeTracer(tracer: OtelTracer): Tracer {
  return {
    start(name, { parent, kind, attributes, startTimeWallMs }) {
      const options = { kind: kinds[kind], attributes: otelAttributes(attributes) }
      const timed =
        startTimeWallMs === undefined ? options : { ...options, startTime: startTimeWallMs }
      return bridgeSpan(tracer.startSpan(name, timed, contextOf(parent)), parent?.tracestate)
    },
  }
}

function contextOf(parent: TraceParent | undefined) {
  if (parent === undefined) return ROOT_CONTEXT
  const { traceId, spanId, sampled, tracestate } = parent
  const traceFlags = sampled ? TraceFlags.SAMPLED : TraceFlags.NONE
  const context = { traceId, spanId, traceFlags, isRemote: !local.has(parent) }
  return trace.setSpanContext(
    ROOT_CONTEXT,
    tracestate === undefined ? context : { ...context, traceState: createTraceState(tracestate) },
  )
}

function bridgeSpan(span: Span, tracestate: string | undefined): CallSpan {
  const { traceId, spanId, traceFlags } = span.spanContext()
  const own = { traceId, spanId, sampled: (traceFlags & TraceFlags.SAMPLED) !== 0 }
  const context: TraceParent = tracestate === undefined ? own : { ...own, tracestate }
  local.add(context)
  return {
    isRecording: span.isRecording(),
    context: () => context,
    rename: (name) => void span.updateName(name),
    set(key, value) {
      if (value !== undefined) span.setAttribute(key, otelValue(value))
    },
    event: (name, attributes) => void span.addEvent(name, otelAttributes(attributes)),
    fail(errorType) {
      span.setAttribute(genAi.errorType, errorType)
      span.setStatus({ code: SpanStatusCode.ERROR })
    },
    end: () => span.end(),
  }
}

function otelAttributes(attributes: Attributes | undefined) {
  const given: Record<string, string | number | boolean | string[]> = {}
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value !== undefined) given[key] = otelValue(value)
  }
  return given
}

function otelValue(value: AttributeValue): string | number | boolean | string[] {
  return typeof value === 'object' ? [...value] : value
}
