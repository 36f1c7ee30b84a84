import { context, diag, trace } from '@opentelemetry/api'
import { NodeSDK } from '@opentelemetry/sdk-node'
import { StackContextManager } from '@opentelemetry/sdk-trace'
import { bridgeTracer } from '#shared/telemetry/otel-bridge.ts'
import { spanExport } from '#shared/telemetry/otel-export.ts'
import type { Tracing, TracingOptions } from '#shared/telemetry/tracing.ts'

/**
 * Starts tracing with OpenTelemetry's SDK for Node. Importing it costs 42 MB and up to 620 ms of
 * CPU, so this file is imported only where the configuration turns tracing on.
 *
 * Everything the SDK would take from the environment is given, but for two of the standard's
 * own: `OTEL_SDK_DISABLED`, and `OTEL_EXPORTER_OTLP_HEADERS` for a collector's credential.
 */
export async function startTracing(options: TracingOptions): Promise<Tracing> {
  const { processor, stop, bridge, ...rest } = spanExport('outrigger-ambassador', options)
  // The SDK registers itself globally and keeps an earlier one there: a reload must replace it.
  unregister()
  const sdk = new NodeSDK({
    autoDetectResources: false,
    ...rest,
    spanProcessors: [processor],
    metricReaders: [],
    logRecordProcessors: [],
    instrumentations: [],
    textMapPropagator: null,
    // Parents are passed by hand; the default would follow every promise of the process.
    contextManager: new StackContextManager(),
  })
  sdk.start()
  // OTEL_LOG_LEVEL makes the SDK print what it likes to standard output, where our log goes.
  diag.disable()
  return {
    tracer: bridgeTracer(trace.getTracer('outrigger'), bridge),
    stop: () => stop(() => sdk.shutdown()),
  }
}

function unregister(): void {
  trace.disable()
  context.disable()
}
