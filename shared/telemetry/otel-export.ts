import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { type Resource, resourceFromAttributes } from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  type IdGenerator,
  ParentBasedSampler,
  type Sampler,
  type SpanExporter,
  type SpanLimits,
  type SpanProcessor,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace'
import { collectorConnections } from './collector-connections.ts'
import type { BridgeOptions } from './otel-bridge.ts'
import { Deferral } from './otel-deferral.ts'
import { stopMsMax, type TracingOptions } from './tracing.ts'

/** Ended spans that may wait; at 2 KB each this is 4 MB. */
const queueSpansMax = 2_048
const batchSpansMax = 512
/** Longest one batch may take, retries included, in milliseconds. */
const exportMs = 10_000
/** Longest an ended span waits for its batch, in milliseconds. */
const batchDelayMs = 2_000
/** All limits are given, since an absent one would be read from the environment. */
const spanLimits: Required<SpanLimits> = {
  attributeCountLimit: 64,
  // For captured text; the bridge holds every other to 1,024 characters.
  attributeValueLengthLimit: 128 * 1_024,
  eventCountLimit: 64,
  attributePerEventCountLimit: 16,
  linkCountLimit: 8,
  attributePerLinkCountLimit: 8,
}

/** What either half builds its tracer provider from. */
export interface SpanExport {
  readonly processor: SpanProcessor
  readonly sampler: Sampler
  readonly idGenerator: IdGenerator
  readonly bridge: BridgeOptions
  readonly resource: Resource
  readonly spanLimits: Required<SpanLimits>
  /** Runs `shutdown`, or gives up on the collector after {@link stopMsMax}; never rejects. */
  stop(shutdown: () => Promise<void>): Promise<void>
}

type Exported = Parameters<SpanExporter['export']>[1]
/** `ExportResultCode.FAILED`, whose package is not a dependency of ours. */
const failed = { code: 1 } as const

/** Batches, limits, sends and counts spans for the service `serviceName`. */
export function spanExport(serviceName: string, options: TracingOptions): SpanExport {
  const connections = collectorConnections()
  const exporter = new OTLPTraceExporter({
    url: options.endpoint,
    timeoutMillis: exportMs,
    concurrencyLimit: 8,
    httpAgentOptions: connections.agentFor,
  })
  const counted = countSpans(exporter, options.onDropped)
  // A sampled caller is followed: a trace with holes explains nothing.
  const chosen = new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(options.ratio) })
  const deferral = new Deferral(chosen)
  const { generation, keepsFailures } = options
  return {
    processor: counted.processor,
    sampler: deferral.sampler,
    idGenerator: deferral.idGenerator,
    bridge: { generation, deferral: keepsFailures ? deferral : undefined },
    resource: resourceFromAttributes({
      'service.name': serviceName,
      'service.instance.id': options.instance,
    }),
    spanLimits,
    stop(shutdown) {
      return new Promise((resolve) => {
        const finish = () => {
          undo()
          counted.close()
          connections.close()
          resolve()
        }
        const undo = options.clock.after(stopMsMax, finish)
        // A collector that failed is counted already; there is nobody left to tell.
        shutdown().then(finish, finish)
      })
    },
  }
}

/**
 * A batch processor that accounts for each span: sent, or dropped for one reason. The library
 * itself reports losses only as text to its own log.
 */
function countSpans(exporter: SpanExporter, onDropped: TracingOptions['onDropped']) {
  let queued = 0
  let closed = false
  const sending = new Map<Exported, number>()
  const counting: SpanExporter = {
    export(spans, done) {
      queued -= spans.length
      sending.set(done, spans.length)
      exporter.export(spans, (result) => {
        if (!sending.delete(done)) return
        if (result.code !== 0) onDropped(spans.length, 'export-failed')
        done(result)
      })
    },
    shutdown: () => exporter.shutdown(),
  }
  const batch = new BatchSpanProcessor({
    exporter: counting,
    maxQueueSize: queueSpansMax,
    maxExportBatchSize: batchSpansMax,
    scheduledDelayMillis: batchDelayMs,
    exportTimeoutMillis: exportMs,
  })
  const processor: SpanProcessor = {
    onStart: (span, context) => batch.onStart(span, context),
    onEnd(span) {
      if ((span.spanContext().traceFlags & 1) === 0) return
      if (closed) return onDropped(1, 'stopped')
      if (queued >= queueSpansMax) return onDropped(1, 'queue-full')
      queued++
      batch.onEnd(span)
    },
    forceFlush: () => batch.forceFlush(),
    shutdown: () => batch.shutdown(),
  }
  /** Gives up what is not sent yet, and lets go of the timers that wait for it. */
  const close = () => {
    if (closed) return
    closed = true
    const lost = [...sending.values()].reduce((sum, spans) => sum + spans, queued)
    const waiting = [...sending.keys()]
    sending.clear()
    if (lost > 0) onDropped(lost, 'stopped')
    for (const done of waiting) done(failed)
  }
  return { processor, close }
}
