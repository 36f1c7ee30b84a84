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
  const { processor, stop, bridge, ...rest } = spanExport('outrigger-sidecar', options)
  const provider = new TracerProvider({ ...rest, spanProcessors: [processor] })
  return {
    tracer: bridgeTracer(provider.getTracer('outrigger'), bridge),
    stop: () => stop(() => provider.shutdown()),
  }
}
