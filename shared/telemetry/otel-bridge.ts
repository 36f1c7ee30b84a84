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
import { DeferredSpan } from './deferred-span.ts'
import { genAi } from './gen-ai.ts'
import { type Generation, namesIn, valueIn } from './generations.ts'
import type { Deferral } from './otel-deferral.ts'
import type {
  Attributes,
  AttributeValue,
  CallSpan,
  SpanOptions,
  SpanPart,
  TraceParent,
  Tracer,
} from './tracing.ts'

const kinds: Readonly<Record<SpanOptions['kind'], SpanKind>> = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  internal: SpanKind.INTERNAL,
}

/** Longest text of an attribute, in characters; what is captured has its own bound. */
const textCharsMax = 1_024
const captured = new Set<string>([
  genAi.systemInstructions,
  genAi.inputMessages,
  genAi.outputMessages,
])

/** Contexts made in this process: a collector tells a parent here from one across the wire. */
const local = new WeakSet<TraceParent>()

/** How the bridge names things, and whether it may begin a span late. */
export interface BridgeOptions {
  readonly generation: Generation
  /** Undefined where a call that nobody has chosen is not exported, however it ends. */
  readonly deferral: Deferral | undefined
}

/** An OpenTelemetry tracer in our words. Parents are passed, never taken from the surroundings. */
export function bridgeTracer(tracer: OtelTracer, options: BridgeOptions): Tracer {
  return new Bridge(tracer, options)
}

class Bridge implements Tracer {
  readonly #tracer: OtelTracer
  readonly #options: BridgeOptions

  constructor(tracer: OtelTracer, options: BridgeOptions) {
    this.#tracer = tracer
    this.#options = options
  }

  start(name: string, options: SpanOptions): CallSpan {
    const { parent, kind } = options
    const { generation, deferral } = this.#options
    const span = this.#begin(name, options)
    const own = ownContext(span, parent?.tracestate)
    if (deferral === undefined || kind !== 'server' || span.isRecording()) {
      return bridgeSpan(span, own, generation)
    }
    const startTimeWallMs = options.startTimeWallMs ?? Date.now()
    return new DeferredSpan({
      own,
      begin: () => {
        const begin = () => this.#begin(name, { ...options, startTimeWallMs })
        return bridgeSpan(deferral.as(own, begin), own, generation)
      },
      addPart: (part) => this.#addPart(part, own),
    })
  }

  #begin(name: string, { parent, kind, attributes, startTimeWallMs }: SpanOptions): Span {
    const { generation } = this.#options
    const options = { kind: kinds[kind], attributes: otelAttributes(attributes, generation) }
    const timed =
      startTimeWallMs === undefined ? options : { ...options, startTime: startTimeWallMs }
    return this.#tracer.startSpan(name, timed, contextOf(parent))
  }

  #addPart({ name, kind, attributes, errorType, ...times }: SpanPart, own: TraceParent): void {
    const parent = { ...own, sampled: true }
    local.add(parent)
    const span = this.#begin(name, {
      parent,
      kind,
      attributes,
      startTimeWallMs: times.startTimeWallMs,
    })
    fail(span, errorType)
    span.end(times.endTimeWallMs)
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

function ownContext(span: Span, tracestate: string | undefined): TraceParent {
  const { traceId, spanId, traceFlags } = span.spanContext()
  const own = { traceId, spanId, sampled: (traceFlags & TraceFlags.SAMPLED) !== 0 }
  const context: TraceParent = tracestate === undefined ? own : { ...own, tracestate }
  local.add(context)
  return context
}

function bridgeSpan(span: Span, context: TraceParent, generation: Generation): CallSpan {
  return {
    isRecording: span.isRecording(),
    isDeferred: false,
    keep() {},
    remember() {},
    context: () => context,
    rename: (name) => void span.updateName(name),
    set(key, value) {
      if (value === undefined) return
      const known = otelValue(key, value)
      for (const name of namesIn(generation, key)) span.setAttribute(name, valueIn(name, known))
    },
    event: (name, attributes) => void span.addEvent(name, otelAttributes(attributes, generation)),
    fail: (errorType) => fail(span, errorType),
    end: () => span.end(),
  }
}

function fail(span: Span, errorType: string): void {
  span.setAttribute(genAi.errorType, errorType)
  span.setStatus({ code: SpanStatusCode.ERROR })
}

function otelAttributes(attributes: Attributes | undefined, generation: Generation) {
  const given: Record<string, string | number | boolean | string[]> = {}
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === undefined) continue
    const known = otelValue(key, value)
    for (const name of namesIn(generation, key)) given[name] = valueIn(name, known)
  }
  return given
}

function otelValue(key: string, value: AttributeValue): string | number | boolean | string[] {
  if (typeof value === 'string' && !captured.has(key)) return value.slice(0, textCharsMax)
  return typeof value === 'object' ? [...value] : value
}
