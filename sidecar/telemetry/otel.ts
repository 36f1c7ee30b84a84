import { TracerProvider } from '@opentelemetry/sdk-trace'
import { bridgeTracer } from '#shared/telemetry/otel-bridge.ts'
import { spanExport } from '#shared/telemetry/otel-export.ts'
import type { Tracing, TracingOptions } from '#shared/telemetry/tracing.ts'

/**
 * Starts tracing with the parts of OpenTelemetry that fit beside every pod: a provider of its own,
 * nothing registered globally. Imported only where the configuration turns tracing on.
 *
 * A collector's credential comes from `OTEL_EXPORTER_OTLP_HEADERS`, which the exporter reads.
 */
export async function startTracing(options: TracingOptions): Promise<Tracing> {
  const { processor, sampler, resource, spanLimits, stop } = spanExport(
    'outrigger-sidecar',
    options,
  )
  const provider = new TracerProvider({
    resource,
    sampler,
    spanLimits,
    spanProcessors: [processor],
  })
  return {
    tracer: bridgeTracer(provider.getTracer('outrigger')),
    stop: () => stop(() => provider.shutdown()),
  }
}
